"""Answers that are read while they come."""

from __future__ import annotations

import socket
import threading

import pytest

from skykeep.errors import Invalid, Unavailable
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import Handler, Server, answer, hang_up, reset

pytestmark = pytest.mark.asyncio

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Made-Up: yes\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def in_turn(go: threading.Semaphore, *pieces: bytes) -> Handler:
    """Send the first piece, and the rest one by one as the test allows it."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(HEAD)
        for piece in pieces:
            connection.sendall(piece)
            assert go.acquire(timeout=20)
        return False

    return handler


async def test_a_line_is_there_before_the_answer_ends(opened: Open) -> None:
    go = threading.Semaphore(0)
    pieces = (chunk(b"one\ntw"), chunk(b"o\n\nthree\nfo"), chunk(b"ur") + b"0\r\n\r\n")
    with Server(in_turn(go, *pieces)) as server:
        async with opened(server.url) as wire:
            stream = await wire.stream("GET", "/x?watch=1", silence=20)
            assert (stream.status, stream.headers["x-made-up"]) == (200, "yes")
            assert await stream.line() == b"one"
            go.release()
            assert [await stream.line() for _ in range(3)] == [b"two", b"", b"three"]
            go.release()
            assert await stream.line() is None, "what has no end is no line"
            go.release()
            stream.close()
            stream.close()
        assert server.requests[0].startswith(b"GET /x?watch=1 HTTP/1.1\r\n")


async def test_silence_has_a_limit(opened: Open) -> None:
    go = threading.Semaphore(0)
    with Server(in_turn(go, chunk(b"one\n"))) as server:
        async with opened(server.url) as wire:
            stream = await wire.stream("GET", "/", silence=0.2)
            assert await stream.line() == b"one"
            with pytest.raises(Unavailable):
                await stream.line()
        go.release()


async def test_it_may_take_longer_than_other_calls(opened: Open) -> None:
    go = threading.Semaphore(0)
    with Server(in_turn(go, chunk(b"one\n"), chunk(b"two\n"))) as server:
        async with opened(server.url, exchange_timeout=0.2) as wire:
            stream = await wire.stream("GET", "/", silence=20)
            assert await stream.line() == b"one"
            with pytest.raises(Unavailable, match=r"0\.2 s"):
                await wire.send("GET", "/")  # which the server does not answer in that time
            go.release(3)  # the other thread may be quicker and take two of them
            assert await stream.line() == b"two"
            stream.close()
        go.release(2)


async def test_a_refusal_is_read_whole(opened: Open) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno\nx"
    with Server(answer(refusal)) as server:
        async with opened(server.url) as wire:
            stream = await wire.stream("GET", "/", silence=20)
            reply = await stream.whole()
            assert (reply.status, reply.body) == (403, b"no\nx")


@pytest.mark.parametrize("how", ["line", "whole"])
async def test_one_that_breaks_off(opened: Open, how: str) -> None:
    with Server(hang_up(HEAD + b"ff\r\nabc")) as server:
        async with opened(server.url) as wire:
            stream = await wire.stream("GET", "/", silence=20)
            with pytest.raises(Unavailable) as caught:
                await getattr(stream, how)()
            assert caught.value.__context__ is None


@pytest.mark.parametrize("how", ["line", "whole"])
async def test_one_that_is_too_long(opened: Open, how: str) -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    with Server(answer(body)) as server:
        async with opened(server.url, max_reply_bytes=1000) as wire:
            stream = await wire.stream("GET", "/", silence=20)
            with pytest.raises(Unavailable, match="more than 1000 bytes"):
                await getattr(stream, how)()


async def test_many_lines_may_be_longer_than_one(opened: Open) -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + (b"x" * 499 + b"\n") * 10
    with Server(answer(body)) as server:
        async with opened(server.url, max_reply_bytes=1000) as wire:
            stream = await wire.stream("GET", "/", silence=20)
            assert [len(await stream.line() or b"") for _ in range(10)] == [499] * 10
            assert await stream.line() is None


async def test_it_is_refused_as_other_calls_are(opened: Open) -> None:
    with Server(reset) as server:
        async with opened(server.url) as wire:
            with pytest.raises(Unavailable):
                await wire.stream("GET", "/", silence=20)
            with pytest.raises(Invalid, match="percent-encoded"):
                await wire.stream("GET", "x", silence=20)
            with pytest.raises(Invalid, match="X-Made-Up") as caught:
                await wire.stream("GET", "/", headers={"X-Made-Up": "a\nb"}, silence=20)
            assert caught.value.__context__ is None
        assert len(server.requests) == 1, "and not sent again"
