"""What goes wrong on the way is ``Unavailable``: where, what, the mend, and if it was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from skykeep.errors import Unavailable
from skykeep.providers.wire import Wire, WireOptions
from skykeep.providers.wire.failures import Explainer
from skykeep.providers.wire.origin import Origin
from skykeep.providers.wire.pool import Broken, Resolver
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import (
    Authority,
    Handler,
    Server,
    answer,
    closed_port,
    hang_up,
    reset,
    server_side,
)

pytestmark = pytest.mark.asyncio

SECRET = "canary-5f1d"


async def failed(wire: Wire) -> Unavailable:
    """The failure of a call; nothing of the request or of aiohttp hangs on it."""
    with pytest.raises(Unavailable) as caught:
        await wire.send("POST", "/x", headers={"X-Token": SECRET}, body=SECRET.encode())
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    assert error.target == "the target"
    assert SECRET not in str(error)
    return error


def head_of(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


BROKEN: list[tuple[str, Handler, str]] = [
    ("hangs up", hang_up(), "closed the connection before it answered"),
    ("half a head", hang_up(b"HTTP/1.1 200 OK\r\nX-"), "closed the connection before"),
    ("resets", reset, "closed the connection before it answered"),
    (
        "half a body",
        hang_up(head_of("200 OK", "Content-Length: 9") + SECRET[:4].encode()),
        "broke off or is damaged",
    ),
    (
        "half of the chunks",
        hang_up(head_of("200 OK", "Transfer-Encoding: chunked") + b"4\r\nabcd\r\n"),
        "broke off or is damaged",
    ),
    (
        "a chunk without a length",
        hang_up(head_of("200 OK", "Transfer-Encoding: chunked") + b"canary-5f1d\r\n"),
        "does not answer in HTTP/1.1",
    ),
    (
        "no gzip",
        hang_up(
            head_of("200 OK", "Content-Encoding: gzip", "Content-Length: 11") + b"canary-5f1d"
        ),
        "broke off or is damaged",
    ),
    (
        "another protocol",
        hang_up(b"SSH-2.0-canary-5f1d\r\n\r\n"),
        "does not answer in HTTP/1.1",
    ),
    (
        "an endless head",
        hang_up(head_of("200 OK", "X-A: " + SECRET * 2000)),
        "does not answer in HTTP/1.1",
    ),
]


@pytest.mark.parametrize(
    ("handler", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
async def test_an_answer_that_is_none(opened: Open, handler: Handler, message: str) -> None:
    with Server(handler) as server:
        async with opened(server.url) as wire:
            error = await failed(wire)
        assert message in error.message
        assert f"localhost:{server.port}" in error.message
        assert error.hint
        assert (error.sent, error.timed_out) == (True, False)
        assert len(server.requests) == 1


async def test_a_connection_that_broke_is_not_used_again(opened: Open) -> None:
    with Server(hang_up(head_of("200 OK", "Content-Length: 9") + b"x")) as server:
        async with opened(server.url) as wire:
            await failed(wire)
            server.handler = answer(head_of("200 OK", "Content-Length: 1") + b"y")
            assert (await wire.send("GET", "/")).body == b"y"


async def test_refused(opened: Open) -> None:
    port = closed_port()
    async with opened(f"http://127.0.0.1:{port}") as wire:
        error = await failed(wire)
    assert error.message == f"127.0.0.1:{port} refuses connections"
    assert (error.sent, error.timed_out) == (False, False)


async def test_a_name_that_is_none(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*arguments: object, **keywords: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with opened("https://vault.example:8200") as wire:
        error = await failed(wire)
    assert error.message == (
        "no address is found for vault.example (Name or service not known)"
    )
    assert not error.sent


async def test_a_lookup_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.get_running_loop().create_future()

    async def lookup(*arguments: object, **keywords: object) -> object:
        return await never

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    with pytest.raises(socket.gaierror, match="no answer within 0 s"):
        await Resolver(0).resolve("vault.example")


async def test_a_connection_that_is_not_made_in_time(opened: Open) -> None:
    """TLS with a server that never says a word; zero seconds have passed at once."""
    with Server(answer(b"")) as server:
        async with opened(f"https://127.0.0.1:{server.port}", connect_timeout=1e-9) as wire:
            error = await failed(wire)
    assert "in time (connect_timeout_seconds: 1e-09)" in error.message
    assert (error.sent, error.timed_out) == (False, True)


@pytest.mark.parametrize("part", [b"", head_of("200 OK", "Content-Length: 9") + b"x"])
async def test_a_service_that_falls_silent(opened: Open, part: bytes) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            await wire.send(
                "GET", "/"
            )  # the connection is there, so that only the answer lacks
            server.handler = answer(part)
            assert wire._pool is not None
            wire._pool._timeout = aiohttp.ClientTimeout(total=0.01)
            error = await failed(wire)
        assert len(server.requests) == 2
    assert error.message == f"localhost:{server.port} has not answered within 60 s"
    assert (error.sent, error.timed_out) == (True, True)


async def test_the_limits_of_a_call(opened: Open) -> None:
    with Server() as server:
        async with opened(server.url, exchange_timeout=7.0, connect_timeout=2.0) as wire:
            await wire.send("GET", "/")
            assert wire._pool is not None
            limits = wire._pool._timeout
    assert (limits.total, limits.sock_connect) == (7.0, 2.0)


async def test_a_proxy_that_says_nothing_does_not_hold_a_call_for_ever(opened: Open) -> None:
    with Server(answer(b"")) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        async with opened("https://vault.test", environ, exchange_timeout=0.01) as wire:
            error = await failed(wire)
    assert error.message == "vault.test:443 has not answered within 0.01 s"


async def test_an_expired_certificate(opened: Open, authority: Authority) -> None:
    old = authority.certificate(first_day=-2, last_day=-1)
    assert "has expired" in await with_certificate(opened, authority, old)


async def test_a_certificate_of_tomorrow(opened: Open, authority: Authority) -> None:
    early = authority.certificate(first_day=2)
    said = await with_certificate(opened, authority, early)
    assert "is not valid yet" in said
    assert "clock" in said


async def test_a_certificate_for_another_name(opened: Open, authority: Authority) -> None:
    other = authority.certificate("vault.example")
    said = await with_certificate(opened, authority, other)
    assert "is for another name than 'localhost'" in said


async def test_a_certificate_for_another_address(opened: Open, authority: Authority) -> None:
    other = authority.certificate("127.0.0.2")
    with Server(tls=server_side(other)) as server:
        async with opened(f"https://127.0.0.1:{server.port}", ca=str(authority.pem)) as wire:
            error = await failed(wire)
    assert "is for another name than '127.0.0.1'" in error.message


async def test_an_authority_that_is_not_trusted(
    opened: Open, authority: Authority, stranger: Authority
) -> None:
    said = await with_certificate(opened, authority, stranger.certificate())
    assert "comes from an authority that tls.ca does not have" in said


async def test_an_authority_that_the_system_does_not_know(
    opened: Open, localhost: Path
) -> None:
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url) as wire:
            error = await failed(wire)
        assert server.requests == []
    assert "an authority that this system does not have" in error.message
    assert "tls.ca" in error.hint
    assert not error.sent


async def with_certificate(opened: Open, authority: Authority, certificate: Path) -> str:
    """What is said of a server with that certificate, which gets no request."""
    with Server(tls=server_side(certificate)) as server:
        async with opened(server.url, ca=str(authority.pem)) as wire:
            error = await failed(wire)
        assert server.requests == []
        assert f"localhost:{server.port}" in error.message
    assert not error.sent
    return str(error)


async def test_a_server_that_knows_only_the_older_tls(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    old = server_side(localhost)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with Server(tls=old) as server:
        async with opened(server.url, ca=str(authority.pem)) as wire:
            error = await failed(wire)
            assert error.message == f"localhost:{server.port} does not speak TLS 1.3"
            assert error.hint == 'set tls.minimum: "1.2" for it'
            assert not error.sent
        async with opened(server.url, ca=str(authority.pem), minimum="1.2") as wire:
            assert (await wire.send("GET", "/")).body == b"ok"


async def test_a_port_without_tls(opened: Open) -> None:
    class Plain(Server):
        """Answers in plain text to whatever comes."""

        def _serve(self, raw: socket.socket, number: int) -> None:
            raw.recv(65536)
            raw.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            raw.recv(65536)  # until the client has read it: no reset on the way
            self._done(raw, number)

    with Plain() as server:
        async with opened(f"https://localhost:{server.port}") as wire:
            error = await failed(wire)
    assert "does not speak TLS" in error.message
    assert "http://" in error.hint
    assert not error.sent


async def test_a_server_that_hangs_up_in_the_handshake(opened: Open) -> None:
    class Rude(Server):
        def _serve(self, raw: socket.socket, number: int) -> None:
            raw.recv(65536)
            self._done(raw, number)

    with Rude() as server:
        async with opened(f"https://localhost:{server.port}") as wire:
            error = await failed(wire)
    assert f"localhost:{server.port}" in error.message
    assert not error.sent


ORIGIN = Origin("https", "vault.example", 8200)
REASONS = [
    ("SSLV3_ALERT_HANDSHAKE_FAILURE", "(sslv3 alert handshake failure)", "tls.minimum"),
    ("TLSV1_ALERT_PROTOCOL_VERSION", "does not speak TLS 1.3", "tls.minimum"),
    ("NO_PROTOCOLS_AVAILABLE", "does not speak TLS 1.3", "tls.minimum"),
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "wants a certificate", "tls.cert"),
    ("TLSV1_ALERT_UNKNOWN_CA", "wants a certificate", "tls.cert"),
    ("HTTP_REQUEST", "does not speak TLS", "http://"),
    ("", "it hung up", "tls.minimum"),
]


@pytest.mark.parametrize(("reason", "message", "hint"), REASONS)
async def test_reasons_of_tls(reason: str, message: str, hint: str) -> None:
    cause = ssl.SSLError(1, f"[SSL: {reason}] something")
    cause.reason = reason
    error = Explainer(ORIGIN, None, WireOptions(), "t").explain(Broken(cause))
    assert message in error.message
    assert hint in error.hint


async def test_a_network_that_is_not_there() -> None:
    explainer = Explainer(ORIGIN, None, WireOptions(), "t")
    key = aiohttp.client_reqrep.ConnectionKey(
        "vault.example", 8200, True, True, None, None, None
    )
    for number, message in [
        (113, "there is no way to vault.example:8200"),
        (104, "vault.example:8200 closed the connection while it was made"),
        (13, "no connection to vault.example:8200 (Permission denied)"),
    ]:
        error = explainer.explain(aiohttp.ClientConnectorError(key, OSError(number, "x")))
        assert error.message == message
        assert not error.sent
