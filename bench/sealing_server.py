"""``python -m bench.sealing_server PORT``: as much of S3 as ``bench.sealing`` asks for.

Unlike that of ``bench.s3`` it keeps what it is given, in memory: what was sealed has to come
back as it was. Any signature will do.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass, field

from bench.s3_server import COMMON

_BEGUN = (
    b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
)
_DONE = (
    b"<CompleteMultipartUploadResult><ETag>&quot;an-etag-that-never-changes&quot;</ETag>"
    b"</CompleteMultipartUploadResult>"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)
_PART = re.compile(rb"partNumber=(\d+)")


@dataclass
class Bucket:
    """Bodies by path, and the parts of an upload for each path."""

    kept: dict[bytes, bytes] = field(default_factory=dict)
    parts: dict[bytes, dict[int, bytes]] = field(default_factory=dict)

    def answered(self, head: bytes, body: bytes) -> tuple[bytes, bytes, memoryview]:
        """Status, more headers, body."""
        method, target, _ = head.split(b" ", 2)
        path, _, query = target.partition(b"?")
        nothing = memoryview(b"")
        if method == b"PUT":
            if number := _PART.search(query):
                self.parts.setdefault(path, {})[int(number[1])] = body
            else:
                self.kept[path] = body
            return b"200 OK", b"", nothing
        if method == b"POST":
            if b"uploads" in query:
                return b"200 OK", b"", memoryview(_BEGUN)
            parts = self.parts.pop(path)
            self.kept[path] = b"".join(parts[number] for number in sorted(parts))
            return b"200 OK", b"", memoryview(_DONE)
        there = memoryview(self.kept[path])
        wanted = _RANGE.search(head)
        if wanted is None:
            return b"200 OK", b"", there
        start = int(wanted[1])
        end = min(int(wanted[2]) + 1 if wanted[2] else len(there), len(there))
        about = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, len(there))
        return b"206 Partial Content", about, there[start:end]


async def serve(port: int) -> None:
    """Until it is ended."""
    bucket = Bucket()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1]) if found else 0)
                status, more, data = bucket.answered(head, body)
                writer.write(
                    b"HTTP/1.1 %b\r\n%b%bContent-Length: %d\r\n\r\n"
                    % (status, COMMON, more, len(data))
                )
                if not head.startswith(b"HEAD"):
                    writer.write(data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256, limit=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
