"""``python -m bench.blob_server PORT``: as much of Blob Storage as ``bench.blob`` asks for.

From memory, as ``bench.s3_server`` does: any credentials will do, nothing is kept.
"""

from __future__ import annotations

import asyncio
import sys

from bench.s3_server import COMMON, SMALL, give, take

_WRITTEN = b"HTTP/1.1 201 Created\r\n%bContent-Length: 0\r\n\r\n" % COMMON


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The requests of one connection, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await take(reader, writer, head)
            method = head.partition(b" ")[0]
            if method in {b"GET", b"HEAD"}:
                give(writer, head, method, SMALL)
            else:
                writer.write(_WRITTEN)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
