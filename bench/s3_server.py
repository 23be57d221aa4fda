"""``python -m bench.s3_server PORT``: as much of S3 as ``bench.s3`` asks for, from memory.

Any signature will do. Bodies that are written are read and counted, not kept: every object is
the one of ``SMALL`` or, under ``large``, of ``LARGE`` bytes.
"""

from __future__ import annotations

import asyncio
import re
import sys

SMALL = 4096
LARGE = 256 * 1024 * 1024
_PIECE = b"\xa5" * (8 * 1024 * 1024)
_COMMON = (
    b'ETag: "an-etag-that-never-changes"\r\nDate: Sun, 22 Nov 2026 04:34:00 GMT\r\n'
    b"Last-Modified: Sun, 22 Nov 2026 04:34:00 GMT\r\n"
    b"Content-Type: application/octet-stream\r\n"
    b"Accept-Ranges: bytes\r\n"
)
_BEGUN = (
    b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
)
_DONE = (
    b"<CompleteMultipartUploadResult><ETag>&quot;e-32&quot;</ETag>"
    b"</CompleteMultipartUploadResult>"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The requests of one connection, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await take(reader, writer, head)
            method, target, _ = head.split(b" ", 2)
            if method in {b"GET", b"HEAD"}:
                give(writer, head, method, LARGE if b"/large" in target else SMALL)
            elif method == b"POST":
                body = _BEGUN if b"uploads" in target else _DONE
                writer.write(
                    b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b"
                    % (_COMMON, len(body), body)
                )
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: 0\r\n\r\n" % _COMMON)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """Read the body and forget it."""
    found = _LENGTH.search(head)
    left = int(found[1]) if found else 0
    if b"100-continue" in head:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while left:
        left -= len(await reader.read(min(left, 1 << 20)))


def give(writer: asyncio.StreamWriter, head: bytes, method: bytes, size: int) -> None:
    """The whole body, or the range that is asked for."""
    wanted = _RANGE.search(head)
    start = int(wanted[1]) if wanted else 0
    end = min(int(wanted[2]) + 1 if wanted and wanted[2] else size, size)
    status = b"206 Partial Content" if wanted else b"200 OK"
    ranged = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, size) if wanted else b""
    writer.write(
        b"HTTP/1.1 %b\r\n%b%bContent-Length: %d\r\n\r\n"
        % (status, _COMMON, ranged, end - start)
    )
    if method == b"GET":
        for at in range(start, end, len(_PIECE)):
            writer.write(memoryview(_PIECE)[: min(len(_PIECE), end - at)])


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
