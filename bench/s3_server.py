"""``python -m bench.s3_server PORT``: as much of S3 as ``bench.s3`` asks for, from memory.

Any signature will do. Bodies that are written are read and counted, not kept: every object is
the one of ``SMALL`` or, under ``large``, of ``LARGE`` bytes. A listing of the prefix
``listed-N/`` has ``N`` keys, in pages that are made once.
"""

from __future__ import annotations

import asyncio
import re
import sys
from functools import lru_cache

SMALL = 4096
LARGE = 256 * 1024 * 1024
_PIECE = b"\xa5" * (8 * 1024 * 1024)
COMMON = (
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
PAGE = 1000
_LISTING = re.compile(rb"[?&]prefix=listed-(\d+)(?:/|%2F)(?:&|$)")
_TOKEN = re.compile(rb"[?&]continuation-token=(\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\n(?:x-ms-)?range: *bytes=(\d+)-(\d*)", re.IGNORECASE)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The requests of one connection, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await take(reader, writer, head)
            method, target, _ = head.split(b" ", 2)
            if listing := _LISTING.search(target):
                token = _TOKEN.search(target)
                page = listed(int(listing[1]), int(token[1]) if token else 0)
                writer.write(page)
            elif method in {b"GET", b"HEAD"}:
                give(writer, head, method, LARGE if b"/large" in target else SMALL)
            elif method == b"POST":
                body = posted(target)
                writer.write(
                    b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b"
                    % (COMMON, len(body), body)
                )
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: 0\r\n\r\n" % COMMON)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def posted(target: bytes) -> bytes:
    """What answers the calls that begin and complete an upload."""
    return _BEGUN if b"uploads" in target else _DONE


@lru_cache
def listed(count: int, number: int) -> bytes:
    """Page ``number`` of a listing of so many keys, with its head; as S3 writes it."""
    first, after = number * PAGE, min((number + 1) * PAGE, count)
    more = after < count
    following = f"<NextContinuationToken>{number + 1}</NextContinuationToken>" if more else ""
    contents = "".join(
        f"<Contents><Key>listed-{count}/2026/11/scan-{at:012d}.json</Key>"
        f"<LastModified>2026-{at % 11 + 1:02d}-{at % 28 + 1:02d}T{at // 3600 % 24:02d}:"
        f"{at // 60 % 60:02d}:{at % 60:02d}.000Z</LastModified>"
        f"<ETag>&quot;{at:032x}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        f"<ChecksumType>FULL_OBJECT</ChecksumType><Size>{at + 4096}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for at in range(first, after)
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bench</Name><Prefix>listed-{count}/</Prefix>{following}"
        f"<KeyCount>{after - first}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{contents}</ListBucketResult>"
    ).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body)
    )


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """Read the body and forget it."""
    found = _LENGTH.search(head)
    left = int(found[1]) if found else 0
    if b"100-continue" in head:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while left:
        left -= len(await reader.read(min(left, 1 << 20)))


def give(
    writer: asyncio.StreamWriter, head: bytes, method: bytes, size: int, more: bytes = b""
) -> None:
    """The whole body, or the range that is asked for; with ``more`` headers."""
    wanted = _RANGE.search(head)
    start = int(wanted[1]) if wanted else 0
    end = min(int(wanted[2]) + 1 if wanted and wanted[2] else size, size)
    status = b"206 Partial Content" if wanted else b"200 OK"
    ranged = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, size) if wanted else b""
    writer.write(
        b"HTTP/1.1 %b\r\n%b%b%bContent-Length: %d\r\n\r\n"
        % (status, COMMON, more, ranged, end - start)
    )
    if method == b"GET":
        for at in range(start, end, len(_PIECE)):
            writer.write(memoryview(_PIECE)[: min(len(_PIECE), end - at)])


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
