"""``python -m bench.cloud_storage_server PORT``: as much of Cloud Storage as
``bench.cloud_storage`` asks for, from memory.

As ``bench.s3_server`` does: any credentials will do, bodies are measured and not kept.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys

from google_crc32c import value

from bench.s3_server import COMMON, LARGE, SMALL, give

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost: *([^\r]+)", re.IGNORECASE)
_BEGIN = b"{}"
_NUMBERS = b"x-goog-generation: 1\r\nx-goog-metageneration: 1\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The requests of one connection, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            method, target, _ = head.split(b" ", 2)
            if method == b"GET" and b"/begin" in target:
                say(writer, _BEGIN)
            elif method == b"GET" and b"/o?" in target:
                say(writer, b"{}")
            elif method in {b"GET", b"HEAD"}:
                give(writer, head, method, LARGE if b"/large" in target else SMALL, _NUMBERS)
            elif b"uploadType=resumable" in target and method == b"POST":
                host = _HOST.search(head)
                place = b"http://%b/session" % (host[1] if host else b"")
                say(writer, b"{}", b"Location: %b\r\n" % place)
            elif method == b"DELETE":
                say(writer, b"")
            else:
                say(writer, described(target, body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def described(target: bytes, body: bytes) -> bytes:
    """The object that was written."""
    size = len(body)
    if b"/compose" in target:
        size = LARGE
    elif b"uploadType=multipart" in target:
        boundary = body[: body.index(b"\r\n")]
        second = body.index(boundary, len(boundary))
        start = body.index(b"\r\n\r\n", second) + 4
        size = body.rindex(b"\r\n" + boundary) - start
    sum_ = base64.b64encode(value(body).to_bytes(4, "big")).decode()
    content = {
        "crc32c": sum_,
        "name": "a",
        "size": str(size),
        "generation": "1",
        "metageneration": "1",
    }
    return json.dumps(content).encode()


def say(writer: asyncio.StreamWriter, body: bytes, more: bytes = b"") -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\n%b%bContent-Length: %d\r\n\r\n%b" % (COMMON, more, len(body), body)
    )


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256, limit=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
