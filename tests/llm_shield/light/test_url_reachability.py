"""URLReachability: who is asked, who is never asked, and what is sent."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from llm_shield.finding import Verdict
from llm_shield.public_addresses import is_public
from llm_shield.scanner import Cost, Request, Side
from llm_shield.scanners.url_reachability import URLReachability, URLReachabilitySettings
from llm_shield.text import Text
from tests.llm_shield.light.scanning import RESOURCES, held

PUBLIC = ipaddress.ip_address("127.0.0.1")
"""What stands for a public address here; all others of the loopback are private."""


class Names(AbstractResolver):
    """A name server of the test's own, which may change its mind."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.table.get(host)
        if not addresses:
            raise OSError("no such name")
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


class Server:
    """A web server at every address of the loopback; remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[web.BaseRequest] = []
        self.answer: Callable[[Any], Awaitable[web.StreamResponse]] = self._fine
        self.port = 0
        self.names = Names({"public.example": ["127.0.0.1"], "private.example": ["127.0.0.2"]})

    async def _fine(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        return await self.answer(request)

    async def scan(self, text: str, **settings: Any) -> Verdict:
        settings.setdefault("ports", (self.port,))
        scanner = URLReachability(
            URLReachabilitySettings(**settings),
            RESOURCES,
            resolver=lambda: self.names,
            permits=lambda address: address == PUBLIC,
        )
        text = text.replace("PORT", str(self.port))
        verdict = await scanner.scan(Text(text), Request(RESOURCES, Side.OUTPUT))
        return held(verdict, text)

    def paths(self) -> list[tuple[str, str]]:
        return [(each.method, each.path_qs) for each in self.seen]


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)  # noqa: S104 - 127.0.0.2 is asked, too
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


def kinds(verdict: Verdict) -> list[str]:
    return [each.kind for each in verdict.findings]


async def asked(text: str, **settings: Any) -> tuple[Verdict, Server]:
    async with serving() as server:
        return await server.scan(text, **settings), server


def test_a_page_that_is_there_is_no_finding() -> None:
    verdict, server = asyncio.run(asked("See http://public.example:PORT/page."))
    assert not verdict.findings
    assert verdict.facts == {"asked": 1, "not_asked": 0}
    assert server.paths() == [("HEAD", "/page")]


def test_a_page_that_is_gone_is_found_where_it_stands() -> None:
    async def gone() -> tuple[Verdict, Server]:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                return web.Response(status=404)

            server.answer = answer
            return await server.scan("a http://public.example:PORT/x b"), server

    verdict, server = asyncio.run(gone())
    assert kinds(verdict) == ["url.unreachable"]
    assert verdict.findings[0].start == 2
    assert server.paths() == [("HEAD", "/x"), ("GET", "/x")]
    assert server.seen[1].headers["Range"] == "bytes=0-0"


@pytest.mark.parametrize(
    ("status", "found"), [(200, 0), (403, 0), (429, 0), (410, 1), (503, 1)]
)
def test_who_does_not_let_everybody_in_is_there(status: int, found: int) -> None:
    async def run() -> Verdict:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                return web.Response(status=status)

            server.answer = answer
            return await server.scan("http://public.example:PORT/")

    assert len(asyncio.run(run()).findings) == found


def test_get_is_tried_where_head_is_an_error() -> None:
    async def run() -> Verdict:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                return web.Response(status=405 if request.method == "HEAD" else 206)

            server.answer = answer
            return await server.scan("http://public.example:PORT/")

    assert not asyncio.run(run()).findings


@pytest.mark.parametrize(
    "url",
    [
        "http://private.example:PORT/",
        "http://127.0.0.2:PORT/",
        "http://127.2:PORT/",
        "http://0x7f000002:PORT/",
        "http://2130706434:PORT/",
        "http://[::ffff:127.0.0.2]:PORT/",
        "http://[::1]:PORT/",
        "http://x@private.example:PORT/",
    ],
)
def test_who_is_not_public_is_never_asked(url: str) -> None:
    async def run() -> tuple[Verdict, Server]:
        async with serving() as server:
            server.names.table |= {
                "127.2": ["127.0.0.2"],
                "0x7f000002": ["127.0.0.2"],
                "2130706434": ["127.0.0.2"],
            }
            return await server.scan(url), server

    verdict, server = asyncio.run(run())
    assert kinds(verdict) == ["url.refused"]
    assert server.seen == []


def test_a_redirection_to_a_private_address_is_not_followed() -> None:
    async def run() -> tuple[Verdict, Server]:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                raise web.HTTPFound(f"http://127.0.0.2:{server.port}/secret")

            server.answer = answer
            return await server.scan("http://public.example:PORT/"), server

    verdict, server = asyncio.run(run())
    assert kinds(verdict) == ["url.refused"]
    assert server.paths() == [("HEAD", "/")]


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://public.example/", "http://public.example:1/"]
)
def test_a_redirection_elsewhere_than_the_web_is_not_followed(location: str) -> None:
    async def run() -> tuple[Verdict, Server]:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                return web.Response(status=302, headers={"Location": location})

            server.answer = answer
            return await server.scan("http://public.example:PORT/"), server

    verdict, server = asyncio.run(run())
    assert kinds(verdict) == ["url.refused"]
    assert len(server.seen) == 1


def test_a_name_that_changes_its_mind_is_refused() -> None:
    """The first answer is public, the second, for the redirection to itself, is not."""

    async def run() -> tuple[Verdict, Server]:
        async with serving() as server:
            server.names.table["mind.example"] = ["127.0.0.1", "127.0.0.2"]

            async def answer(request: web.Request) -> web.StreamResponse:
                raise web.HTTPFound("/again")

            server.answer = answer
            return await server.scan("http://mind.example:PORT/"), server

    verdict, server = asyncio.run(run())
    assert kinds(verdict) == ["url.refused"]
    assert server.paths() == [("HEAD", "/")]


def test_redirections_are_followed_five_times() -> None:
    async def run(turns: int) -> tuple[Verdict, Server]:
        async with serving() as server:

            async def answer(request: web.Request) -> web.StreamResponse:
                number = int(request.path.strip("/"))
                if number == turns:
                    return web.Response()
                raise web.HTTPFound(f"/{number + 1}")

            server.answer = answer
            return await server.scan("http://public.example:PORT/0"), server

    assert not asyncio.run(run(5))[0].findings
    verdict, server = asyncio.run(run(6))
    assert kinds(verdict) == ["url.unreachable"]
    assert len(server.seen) == 6


def test_nothing_of_ours_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    verdict, server = asyncio.run(asked("http://ann:pw@public.example:PORT/a?token=abc#part"))
    assert not verdict.findings
    assert server.paths() == [("HEAD", "/a")]
    assert "Authorization" not in server.seen[0].headers
    assert "Cookie" not in server.seen[0].headers


def test_the_query_is_sent_where_a_setting_says_so() -> None:
    _, server = asyncio.run(asked("http://public.example:PORT/a?v=1", queries=True))
    assert server.paths() == [("HEAD", "/a?v=1")]


def test_a_port_that_is_not_allowed_is_not_asked() -> None:
    verdict, server = asyncio.run(asked("http://public.example:PORT/", ports=(80,)))
    assert kinds(verdict) == ["url.refused"]
    assert server.seen == []
    assert server.names.asked == []


def test_names_that_nobody_knows_and_closed_ports_are_unreachable() -> None:
    assert kinds(asyncio.run(asked("http://nobody.example:PORT/"))[0]) == ["url.unreachable"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        verdict, _ = asyncio.run(asked(f"http://public.example:{port}/", ports=(port,)))
    assert kinds(verdict) == ["url.unreachable"]


def test_a_server_that_never_answers_ends_with_the_time() -> None:
    async def run() -> Verdict:
        async with serving() as server:
            release = asyncio.Event()

            async def answer(request: web.Request) -> web.StreamResponse:
                await release.wait()
                return web.Response()

            server.answer = answer
            verdict = await server.scan("http://public.example:PORT/", seconds=0.05)
            release.set()
            return verdict

    assert kinds(asyncio.run(run())) == ["url.unreachable"]


def test_a_text_with_many_urls_asks_for_so_many_and_says_so() -> None:
    text = " ".join(f"http://public.example:PORT/{each}" for each in range(9))
    verdict, server = asyncio.run(asked(f"{text} {text}", max_urls=4, at_once=2))
    assert len(server.seen) == 4
    assert verdict.facts == {"asked": 4, "not_asked": 5}


def test_no_more_are_asked_at_once_than_allowed() -> None:
    async def run() -> int:
        async with serving() as server:
            at_once = most = 0

            async def answer(request: web.Request) -> web.StreamResponse:
                nonlocal at_once, most
                at_once += 1
                most = max(most, at_once)
                for _ in range(20):
                    await asyncio.sleep(0)
                at_once -= 1
                return web.Response()

            server.answer = answer
            text = " ".join(f"http://public.example:PORT/{each}" for each in range(12))
            await server.scan(text, at_once=3)
            return most

    assert 1 <= asyncio.run(run()) <= 3


NOBODYS = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.0.1 168.63.129.16
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1 224.0.0.1
240.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1
64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: fc00::1 fd00:ec2::254 fe80::1
fe80::1%eth0 fec0::1 ff02::1 3fff::1
"""
EVERYBODYS = "1.1.1.1 8.8.8.8 172.32.0.1 100.128.0.1 2606:4700::1111"


@pytest.mark.parametrize("address", NOBODYS.split())
def test_addresses_that_are_not_everybodys(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", EVERYBODYS.split())
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_without_urls_nothing_is_asked_and_no_socket_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a socket")

    scanner = URLReachability(URLReachabilitySettings(), RESOURCES)
    monkeypatch.setattr(scanner, "_session", refuse)
    request = Request(RESOURCES, Side.OUTPUT)
    assert asyncio.run(scanner.scan(Text("no URL"), request)).facts == {
        "asked": 0,
        "not_asked": 0,
    }
    assert scanner.cost is Cost.NETWORK


def test_public_addresses_only_unless_a_test_says_otherwise() -> None:
    """Without what tests put in, the loopback is refused: by the guard, not by the name."""

    async def run() -> tuple[Verdict, Server]:
        async with serving() as server:
            scanner = URLReachability(URLReachabilitySettings(ports=(server.port,)), RESOURCES)
            text = f"http://127.0.0.1:{server.port}/ http://localhost:{server.port}/"
            request = Request(RESOURCES, Side.OUTPUT)
            return await scanner.scan(Text(text), request), server

    verdict, server = asyncio.run(run())
    assert kinds(verdict) == ["url.refused", "url.refused"]
    assert server.seen == []
