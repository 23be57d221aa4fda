"""What goes over the wire is what was said, once; what comes back is read whole."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib

import pytest

import skykeep
from skykeep.errors import Invalid, Unavailable
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import END, Server, answer, hang_up

pytestmark = pytest.mark.asyncio

TARGETS = [
    "/",
    "/a/../b/./c",
    "//two//slashes/",
    "/%7Etilde/%2f/%2F/%41",
    "/v1/secret/data/a%20b?list=true&x=%C3%A4&y=+",
    "/?Action=Get&empty=&flag",
    "/a;b=c/@:!$&'()*+,",
]


@pytest.mark.parametrize("base", ["", "/base", "/base/%7e/"])
@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_is_sent_byte_for_byte(opened: Open, base: str, target: str) -> None:
    with Server() as server:
        async with opened(server.url + base) as wire:
            await wire.send("GET", target)
            assert wire.origin.base_path == base.rstrip("/")
        sent = server.requests[0].split(b" ")[1].decode()
        assert sent == base.rstrip("/") + target


@pytest.mark.parametrize(
    "target",
    ["", "a", "/a b", "/a#b", "/?", "/a?", "/ä", "/a\n", "/a\r\nX: y", "?a", "http://x/"],
)
async def test_what_is_not_encoded_is_refused(opened: Open, target: str) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            with pytest.raises(Invalid, match="percent-encoded"):
                await wire.send("GET", target)
        assert server.connections == 0


async def test_the_headers_of_a_request(opened: Open) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            await wire.send("GET", "/x", headers={"X-Vault-Token": "t"})
            host = wire.origin.host_header
        lines = server.requests[0].removesuffix(END).decode().split("\r\n")
        assert lines[0] == "GET /x HTTP/1.1"
        assert sorted(lines[1:]) == sorted(
            [
                f"Host: {host}",
                "Accept: */*",
                f"User-Agent: skykeep/{skykeep.__version__}",
                "X-Vault-Token: t",
            ]
        )


async def test_headers_that_are_given_replace_ours(opened: Open) -> None:
    given = {"host": "other", "accept": "application/json", "user-agent": "u"}
    with Server() as server:
        async with opened(server.url) as wire:
            await wire.send("POST", "/", headers=given, body=b"{}")
        head = server.requests[0].partition(END)[0].decode().split("\r\n")
        assert sorted(head[1:], key=str.lower) == [
            "accept: application/json",
            "Content-Length: 2",
            "host: other",
            "user-agent: u",
        ]


@pytest.mark.parametrize("size", [1, 65536, 2**20, 2**20 + 1, 3 * 2**20 + 7])
async def test_a_body_arrives_as_it_is(opened: Open, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    with Server() as server:
        async with opened(server.url) as wire:
            await wire.send("PUT", "/", body=body[:size])
        head, _, received = server.requests[0].partition(END)
        assert f"\r\nContent-Length: {size}".encode() in head
        assert b"hunked" not in head
        assert received == body[:size]


@pytest.mark.parametrize("bad", ["a\n", "a\r\nX-Other: b", "a\0"])
async def test_a_header_with_a_line_break_is_named_and_not_shown(
    opened: Open, bad: str
) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            with pytest.raises(Invalid) as caught:
                await wire.send("GET", "/", headers={"Accept": "x", "X-Vault-Token": bad})
        assert "'X-Vault-Token'" in str(caught.value)
        assert "Other" not in str(caught.value)
        assert caught.value.__context__ is None
        assert server.requests == []


@pytest.mark.parametrize("status", [200, 204, 301, 307, 400, 401, 404, 429, 500, 503])
async def test_every_status_is_an_answer(opened: Open, status: int) -> None:
    length = "" if status == 204 else "Content-Length: 0\r\n"
    data = f"HTTP/1.1 {status} X\r\n{length}Location: /other\r\nX-Id: 7\r\n\r\n"
    with Server(answer(data.encode())) as server:
        async with opened(server.url) as wire:
            reply = await wire.send("GET", "/")
        assert (reply.status, reply.body, reply.headers["x-ID"]) == (status, b"", "7")
        assert len(server.requests) == 1


async def test_no_cookie_is_kept(opened: Open) -> None:
    with Server(
        answer(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n")
    ) as server:
        async with opened(server.url) as wire:
            await wire.send("GET", "/")
            await wire.send("GET", "/")
        assert not any(b"ookie" in request for request in server.requests)
        assert server.connections == 1


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)


async def test_a_chunked_body(opened: Open) -> None:
    with Server(answer(CHUNKED)) as server:
        async with opened(server.url) as wire:
            assert (await wire.send("GET", "/")).body == b"abcde"
            assert (await wire.send("GET", "/")).body == b"abcde"
        assert server.connections == 1


async def test_a_body_that_ends_with_the_connection(opened: Open) -> None:
    with Server(hang_up(b"HTTP/1.1 200 OK\r\n\r\nabc")) as server:
        async with opened(server.url) as wire:
            assert (await wire.send("GET", "/")).body == b"abc"


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_compressed_body(opened: Open, encoding: str, compress: object) -> None:
    assert callable(compress)
    data = compress(b"plain" * 1000)
    head = f"Content-Encoding: {encoding}\r\nContent-Length: {len(data)}\r\n\r\n"
    with Server(answer(b"HTTP/1.1 200 OK\r\n" + head.encode() + data)) as server:
        async with opened(server.url) as wire:
            assert (await wire.send("GET", "/")).body == b"plain" * 1000


def of_length(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size


def chunked(size: int) -> bytes:
    piece = b"400\r\n" + b"x" * 1024 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    rest = b"%x\r\n" % (size % 1024) + b"x" * (size % 1024) + b"\r\n" if size % 1024 else b""
    return head + piece * (size // 1024) + rest + b"0\r\n\r\n"


def compressed(size: int) -> bytes:
    data = gzip.compress(b"x" * size)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    return head % len(data) + data


@pytest.mark.parametrize("form", [of_length, chunked, compressed])
async def test_the_longest_body_and_one_byte_more(opened: Open, form: object) -> None:
    assert callable(form)
    limit = 300_000
    with Server(answer(form(limit))) as server:
        async with opened(server.url, max_reply_bytes=limit) as wire:
            assert len((await wire.send("GET", "/")).body) == limit
    with Server(answer(form(limit + 1))) as server:
        async with opened(server.url, max_reply_bytes=limit) as wire:
            with pytest.raises(Unavailable, match="more than 300000 bytes") as caught:
                await wire.send("GET", "/")
            assert caught.value.sent
            server.handler = answer(of_length(1))
            assert (await wire.send("GET", "/")).body == b"x"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "LIST"])
async def test_nothing_is_sent_again(opened: Open, method: str) -> None:
    """Also not on a kept connection that broke, where aiohttp would."""

    def once(connection: socket.socket, request: bytes) -> bool:
        if len(server.requests) > 1:
            return False
        connection.sendall(of_length(2))
        return True

    with Server(once) as server:
        async with opened(server.url) as wire:
            await wire.send(method, "/first")
            with pytest.raises(
                Unavailable, match="closed the connection before it answered"
            ) as caught:
                await wire.send(method, "/second")
            assert caught.value.sent
            assert caught.value.__context__ is None
        assert len(server.requests) == 2


async def test_a_connection_that_was_closed_meanwhile_is_not_used(opened: Open) -> None:
    with Server(hang_up(of_length(2))) as server:
        async with opened(server.url) as wire:
            for _ in range(3):
                await wire.send("POST", "/")
                await asyncio.to_thread(server.wait_ended)
        assert server.connections == 3


async def test_a_reply_shows_nothing(opened: Open) -> None:
    with Server(answer(of_length(5))) as server:
        async with opened(server.url) as wire:
            reply = await wire.send("GET", "/")
    assert repr(reply) == str(reply) == "Reply(200, 5 bytes)"
    with pytest.raises(TypeError, match="not pickled"):
        reply.__reduce__()
