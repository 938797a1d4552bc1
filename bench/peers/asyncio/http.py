"""Answers GET with fixed bytes: finds where heads end, as our http_raw does.

    http.py PORT [uvloop]
"""

import asyncio
import sys

ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
          b"Content-Length: 13\r\n\r\nhello, world\n")
END = b"\r\n\r\n"


class Hello(asyncio.Protocol):
    rest = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.rest:
            data = self.rest + data
        last = data.rfind(END)
        if last >= 0:
            self.transport.write(ANSWER * data.count(END))
            data = data[last + 4:]
        self.rest = data


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        Hello, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if "uvloop" in sys.argv:
    import uvloop
    uvloop.install()
asyncio.run(main())
