"""The rows about tasks: see bench/peers/lua/tasks.lua. A last word `uvloop`
takes that loop in the place of Python's own."""

import asyncio
import os
import random
import sys
import time


def mark(name):
    os.write(1, b"MARK %s\n" % name.encode())
    os.read(0, 1)


def finish(count):
    mark("stop")
    os.write(1, b"count=%d\n" % count)
    os._exit(0)


async def crowd(tasks, each, work):
    mark("start")
    await asyncio.gather(*[work(each) for _ in range(tasks)])
    finish(tasks * each)


async def yield_(n, tasks):
    async def work(each):
        for _ in range(each):
            await asyncio.sleep(0)

    await crowd(tasks, n // tasks, work)


async def sleepers(n, tasks, seconds):
    async def work(each):
        for _ in range(each):
            await asyncio.sleep(random.random() * seconds)

    await crowd(tasks, n // tasks, work)


async def spawn(n, batch):
    count = 0

    async def work():
        nonlocal count
        count += 1

    mark("start")
    for _ in range(n // batch):
        tasks = [asyncio.create_task(work()) for _ in range(batch)]
        await tasks[-1]
    finish(count)


async def parked(n):
    count = 0
    event = asyncio.Event()

    async def work():
        nonlocal count
        count += 1
        await event.wait()

    mark("start")
    tasks = [asyncio.create_task(work()) for _ in range(n)]
    while count < len(tasks):
        await asyncio.sleep(0)
    finish(count)


async def lateness(n, seconds):
    late = []
    for _ in range(n):
        start = time.monotonic()
        await asyncio.sleep(seconds)
        late.append(time.monotonic() - start - seconds)
    late.sort()
    print("p50_us=%g" % (late[n // 2] * 1e6))
    print("p99_us=%g" % (late[n * 99 // 100] * 1e6))
    print("early=%d" % sum(t < 0 for t in late), flush=True)
    finish(n)


def main(words):
    if words[-1] == "uvloop":
        import uvloop

        uvloop.install()
        words.pop()
    operation = globals()[words[0].replace("yield", "yield_")]
    numbers = [float(w) if "." in w else int(w) for w in words[1:]]
    asyncio.run(operation(*numbers))


main(sys.argv[1:])
