"""What a provider's own configuration says of TLS and of the way, where that is in no file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from multidict import CIMultiDict

from skykeep.errors import ConfigError, Unavailable
from skykeep.providers.wire import TlsMaterial
from skykeep.providers.wire.origin import origin
from skykeep.providers.wire.proxies import proxy_for
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import (
    Authority,
    Server,
    answer,
    closed_port,
    pin_of,
    server_side,
    tunnel,
)

pytestmark = pytest.mark.asyncio

P = "http://proxy.example:3128"


async def test_authorities_as_text(opened: Open, authority: Authority, localhost: Path) -> None:
    material = TlsMaterial(authorities=authority.pem.read_text())
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, material=material) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"


async def test_those_of_the_settings_go_first(
    opened: Open, authority: Authority, stranger: Authority, localhost: Path
) -> None:
    material = TlsMaterial(authorities=authority.pem.read_text())
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, material=material, ca=str(stranger.pem)) as wire:
            with pytest.raises(Unavailable, match="authority"):
                await wire.send("GET", "/")


async def test_the_systems_are_not_trusted_beside_them(
    opened: Open, authority: Authority, stranger: Authority, localhost: Path
) -> None:
    material = TlsMaterial(authorities=stranger.pem.read_text())
    environ = {"SSL_CERT_FILE": str(authority.pem)}
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, environ, material=material) as wire:
            with pytest.raises(Unavailable, match="authority"):
                await wire.send("GET", "/")


@pytest.mark.parametrize("text", ["", "none", "-----BEGIN CERTIFICATE-----\nx\n", "ü"])
async def test_authorities_that_are_none(opened: Open, text: str) -> None:
    with pytest.raises(ConfigError, match="no PEM"):
        async with opened("https://localhost", material=TlsMaterial(authorities=text)):
            pass


@pytest.mark.parametrize("apart", [True, False])
async def test_a_certificate_of_ours_that_is_in_no_file(
    opened: Open, authority: Authority, localhost: Path, apart: bool
) -> None:
    both = authority.certificate("client").read_bytes()
    cut = both.index(b"-----BEGIN PRIVATE KEY")
    material = TlsMaterial(
        certificate=both[:cut] if apart else both, key=both[cut:] if apart else None
    )
    seen: list[object] = []

    def look(connection: object, request: bytes) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        seen.append(connection.getpeercert(binary_form=True))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    context = server_side(localhost, clients=authority.pem)
    with Server(look, tls=context) as server:
        async with opened(server.url, ca=str(authority.pem), material=material) as wire:
            await wire.send("GET", "/")
    assert seen == [ssl.PEM_cert_to_DER_cert(both[:cut].decode())]


@pytest.mark.parametrize("wrong", ["another key", "no PEM", "encrypted", "no key"])
async def test_a_certificate_that_is_none(
    opened: Open, authority: Authority, wrong: str, tmp_path: Path
) -> None:
    mine = authority.certificate("client").read_bytes()
    cut = mine.index(b"-----BEGIN PRIVATE KEY")
    locked = authority.certificate("client", password=b"made up").read_bytes()
    # Cut at its own place: certificates differ in length, for their signatures do.
    other = authority.certificate("other").read_bytes()
    key, words = {
        "another key": (other[other.index(b"-----BEGIN PRI") :], "fit together"),
        "no PEM": (b"text", "no PEM"),
        "encrypted": (locked[locked.index(b"-----BEGIN ENC") :], "encrypted"),
        "no key": (None, "no PEM"),
    }[wrong]
    material = TlsMaterial(certificate=mine[:cut], key=key)
    with pytest.raises(ConfigError, match=words) as caught:
        async with opened("https://localhost", material=material):
            pass
    assert "/proc" not in str(caught.value)
    assert "PRIVATE" not in repr(material) + str(caught.value)


async def test_another_name_than_the_endpoints(opened: Open, authority: Authority) -> None:
    named = authority.certificate("kubernetes.default")
    asked: list[str | None] = []
    context = server_side(named)
    context.sni_callback = lambda connection, name, itself: asked.append(name)
    with Server(tls=context) as server:
        async with opened(server.url, ca=str(authority.pem)) as wire:
            with pytest.raises(Unavailable, match="another name"):
                await wire.send("GET", "/")
        material = TlsMaterial(server_name="kubernetes.default")
        async with opened(server.url, ca=str(authority.pem), material=material) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        pins = (pin_of(authority.certificate("other")),)
        async with opened(
            server.url, ca=str(authority.pem), material=material, pins=pins
        ) as wire:
            with pytest.raises(Unavailable, match=r"tls\.pins"):
                await wire.send("GET", "/")
    assert asked[1:] == ["kubernetes.default", "kubernetes.default"]


async def test_a_proxy_that_is_given_goes_before_the_variables() -> None:
    for endpoint in ("https://service.example", "https://localhost", "http://127.0.0.1"):
        environ = {"HTTPS_PROXY": "http://other.example", "NO_PROXY": "*"}
        proxy = proxy_for(origin(endpoint), environ, P)
        assert proxy is not None
        assert (proxy.url, proxy.variable) == (P, "proxy-url")


async def test_so_it_does_on_the_way(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    with Server(tls=server_side(localhost)) as server, Server(tunnel) as proxy:
        async with opened(
            server.url, ca=str(authority.pem), proxy=f"http://user:word@127.0.0.1:{proxy.port}"
        ) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        assert len(proxy.requests) == 1
        async with opened(
            server.url, ca=str(authority.pem), proxy=f"http://127.0.0.1:{closed_port()}"
        ) as wire:
            with pytest.raises(Unavailable, match="proxy-url"):
                await wire.send("GET", "/")


@pytest.mark.parametrize("size", [0, 10, 2 * 1024 * 1024])
async def test_a_header_may_come_twice(opened: Open, size: int) -> None:
    headers = CIMultiDict([("X-Group", "a"), ("X-Group", "b")])
    with Server(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        async with opened(server.url) as wire:
            await wire.send("POST", "/", headers=headers, body=bytes(size))
        head = server.requests[0].partition(b"\r\n\r\n")[0]
        assert head.count(b"\r\nX-Group: ") == 2
        assert head.count(b"\r\nContent-Length: ") == (1 if size else head.count(b"Content-L"))
