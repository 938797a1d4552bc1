"""Asks one server over and over by aiohttp: TASKS at once.

    client.py PORT TASKS WARM N [uvloop]
"""

import asyncio
import sys

import aiohttp

PORT, TASKS, WARM, N = (int(word) for word in sys.argv[1:5])


def mark(name):
    print("MARK", name, flush=True)
    sys.stdin.readline()


async def run(session, count):
    """Asks so often in all; how many answers were right."""
    left, right = count, 0

    async def work():
        nonlocal left, right
        while left > 0:
            left -= 1
            async with session.get(f"http://127.0.0.1:{PORT}/") as answer:
                right += await answer.read() == b"hello, world\n"

    await asyncio.gather(*(work() for _ in range(TASKS)))
    return right


async def main():
    async with aiohttp.ClientSession() as session:
        await run(session, WARM)
        mark("start")
        right = await run(session, N)
        mark("stop")
        print(f"count={right}")


if "uvloop" in sys.argv:
    import uvloop
    uvloop.install()
asyncio.run(main())
