"""HTTP/1.1 messages, read from a socket byte for byte (RFC 9112, section 6.3: their length)."""

from __future__ import annotations

import socket
from dataclasses import dataclass

LONGEST_HEAD = 1 << 16


class Closed(Exception):
    """The other side ended the connection, between messages or within one."""


@dataclass(frozen=True)
class Message:
    """``head`` ends with the empty line; ``body`` is as it was sent, chunks with their sizes.

    ``last``: the connection ends after it.
    """

    head: bytes
    body: bytes
    last: bool

    def encoded(self) -> bytes:
        return self.head + self.body

    @property
    def method(self) -> str:
        return self.head.split(b" ", 2)[0].decode("ascii")

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("ascii")

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    def header(self, name: str) -> str | None:
        """The first field of that name, in whatever case it was sent."""
        return field_of(self.head, name)


def field_of(head: bytes, name: str) -> str | None:
    for line in head.split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name.lower().encode():
            return value.strip().decode("latin-1")
    return None


def read_request(connection: socket.socket) -> Message:
    """Raises `Closed` when there is none."""
    head = read_head(connection)
    if (field_of(head, "Transfer-Encoding") or "").lower() == "chunked":
        body = read_chunks(connection)
    else:
        body = read_exactly(connection, int(field_of(head, "Content-Length") or 0))
    return Message(head, body, ends(head))


def read_reply(connection: socket.socket, *, to: Message) -> Message:
    """The answer to a request. Raises `Closed` when it is not complete."""
    head = read_head(connection)
    status = int(head.split(b" ", 2)[1])
    length = field_of(head, "Content-Length")
    if to.method == "HEAD" or status in {204, 304} or status < 200:
        return Message(head, b"", ends(head))
    if (field_of(head, "Transfer-Encoding") or "").lower() == "chunked":
        return Message(head, read_chunks(connection), ends(head))
    if length is not None:
        return Message(head, read_exactly(connection, int(length)), ends(head))
    return Message(head, read_to_end(connection), last=True)


def ends(head: bytes) -> bool:
    said = (field_of(head, "Connection") or "").lower()
    old = b"HTTP/1.0" in head.split(b"\r\n", 1)[0]
    return said == "close" or (old and said != "keep-alive")


def read_head(connection: socket.socket) -> bytes:
    """Up to the empty line, not a byte further: bodies are read by their length."""
    return read_until(connection, b"\r\n\r\n")


def read_until(connection: socket.socket, end: bytes) -> bytes:
    read = bytearray()
    while not read.endswith(end):
        if len(read) > LONGEST_HEAD:
            raise Closed("no end of the head")
        read += look_for(connection, end, read)
    return bytes(read)


def look_for(connection: socket.socket, end: bytes, before: bytearray) -> bytes:
    """Some more bytes, none of them after ``end``."""
    # TLS sockets cannot peek; byte by byte out of their buffer is fast enough for tests.
    if hasattr(connection, "pending"):
        return read_exactly(connection, 1)
    seen = connection.recv(1 << 14, socket.MSG_PEEK)
    if not seen:
        raise Closed
    overlap = bytes(before[-(len(end) - 1) :])
    at = (overlap + seen).find(end)
    taken = len(seen) if at < 0 else at + len(end) - len(overlap)
    return read_exactly(connection, taken)


def read_exactly(connection: socket.socket, length: int) -> bytes:
    read = bytearray()
    while len(read) < length:
        piece = connection.recv(min(length - len(read), 1 << 16))
        if not piece:
            raise Closed
        read += piece
    return bytes(read)


def read_chunks(connection: socket.socket) -> bytes:
    """Chunks with their sizes, and the trailer, which is taken to hold no fields."""
    read = bytearray()
    while True:
        line = read_until(connection, b"\r\n")
        size = int(line.split(b";")[0], 16)
        read += line + read_exactly(connection, size + 2)
        if size == 0:
            return bytes(read)


def read_to_end(connection: socket.socket) -> bytes:
    read = bytearray()
    while piece := connection.recv(1 << 16):
        read += piece
    return bytes(read)
