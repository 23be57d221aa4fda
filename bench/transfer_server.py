"""``python -m bench.transfer_server PORT``: large objects of S3 and Blob Storage, from memory.

A thread for each connection, and system calls that neither copy nor hold the interpreter's
lock: what is measured is the client, not the server. Bodies of more than 64 KiB are read and
counted, not kept; ``large`` is of zeros. Any credentials will do.
"""

from __future__ import annotations

import re
import socket
import sys
from threading import Thread

from bench.s3_server import COMMON, LARGE, posted

_ZEROS = memoryview(bytes(8 * 1024 * 1024))
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\n(?:x-ms-)?range: *bytes=(\d+)-(\d*)", re.IGNORECASE)


_KEPT: dict[bytes, bytes] = {}
_MOST = 64 * 1024


def answer(connection: socket.socket) -> None:
    """The requests of one connection, one after the other."""
    scratch = memoryview(bytearray(1024 * 1024))
    begun = b""
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                while b"\r\n\r\n" not in begun:
                    more = connection.recv(64 * 1024)
                    if not more:
                        return
                    begun += more
                head, _, begun = begun.partition(b"\r\n\r\n")
                begun = taken(connection, head, begun, scratch)
                given(connection, head)
        except ConnectionError:
            pass


def taken(connection: socket.socket, head: bytes, begun: bytes, scratch: memoryview) -> bytes:
    """Read the body and forget it; what came after it."""
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    if b"100-continue" in head:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = length - len(begun)
    some = begun[:length] if length <= _MOST else b""
    while left > 0:
        read = connection.recv_into(scratch[: min(left, len(scratch))])
        if not read:
            raise ConnectionResetError
        if length <= _MOST:
            some += scratch[:read]
        left -= read
    if head.startswith(b"PUT ") and length <= _MOST:
        _KEPT[head.split(b" ", 2)[1].partition(b"?")[0]] = some
    return begun[length:]


def given(connection: socket.socket, head: bytes) -> None:
    """The answer."""
    method, target, _ = head.split(b" ", 2)
    if method not in {b"GET", b"HEAD"}:
        body = posted(target) if method == b"POST" else b""
        status = b"201 Created" if b"x-ms-version" in head.lower() else b"200 OK"
        connection.sendall(
            b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, COMMON, len(body), body)
        )
        return
    there = memoryview(_KEPT.get(target.partition(b"?")[0], b""))
    large = target.partition(b"?")[0].endswith(b"/large")
    size = LARGE if large else len(there)
    wanted = _RANGE.search(head)
    start = int(wanted[1]) if wanted else 0
    end = min(int(wanted[2]) + 1 if wanted and wanted[2] else size, size)
    ranged = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, size) if wanted else b""
    status = b"206 Partial Content" if wanted else b"200 OK"
    kind = b"x-ms-blob-type: BlockBlob\r\n" if b"x-ms-version" in head.lower() else b""
    connection.sendall(
        b"HTTP/1.1 %b\r\n%b%b%bContent-Length: %d\r\n\r\n"
        % (status, COMMON, kind, ranged, end - start)
    )
    if method == b"GET":
        for at in range(start, end, len(_ZEROS)):
            piece = _ZEROS if large else there[start:end]
            connection.sendall(piece[: min(len(_ZEROS), end - at)])


def serve(port: int) -> None:
    """For ever."""
    with socket.create_server(("127.0.0.1", port), backlog=256) as listening:
        while True:
            connection, _ = listening.accept()
            Thread(target=answer, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
