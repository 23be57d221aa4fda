"""Which proxy is taken, and what it gets to see."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from skykeep.errors import ConfigError, Unavailable
from skykeep.providers.wire.origin import origin
from skykeep.providers.wire.proxies import proxy_for
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import (
    Authority,
    Server,
    answer,
    closed_port,
    hang_up,
    pin_of,
    server_side,
    tunnel,
)

P, Q = "http://proxy.example:3128", "http://other.example:3128"
HTTPS, HTTP = "https://vault.example:8200", "http://vault.example:8200"

TAKEN = [
    (HTTPS, {"HTTPS_PROXY": P}, P, "HTTPS_PROXY"),
    (HTTPS, {"https_proxy": P}, P, "https_proxy"),
    (HTTPS, {"HTTPS_PROXY": Q, "https_proxy": P}, P, "https_proxy"),
    (HTTPS, {"HTTPS_PROXY": "proxy.example:3128"}, P, "HTTPS_PROXY"),
    (
        HTTPS,
        {"HTTPS_PROXY": "https://proxy.example"},
        "https://proxy.example:443",
        "HTTPS_PROXY",
    ),
    (HTTPS, {"HTTPS_PROXY": "http://[2001:db8::1]:1"}, "http://[2001:db8::1]:1", "HTTPS_PROXY"),
    (HTTP, {"HTTP_PROXY": P}, P, "HTTP_PROXY"),
    (HTTP, {"http_proxy": P, "REQUEST_METHOD": "GET"}, P, "http_proxy"),
]


@pytest.mark.parametrize(("endpoint", "environ", "url", "variable"), TAKEN)
def test_the_proxy_of_a_scheme(
    endpoint: str, environ: dict[str, str], url: str, variable: str
) -> None:
    proxy = proxy_for(origin(endpoint, allow_http=True), environ)
    assert proxy is not None
    assert (proxy.url, proxy.variable) == (url, variable)


STRAIGHT = [
    (HTTPS, {}),
    (HTTPS, {"HTTP_PROXY": P}),
    (HTTP, {"HTTPS_PROXY": P}),
    (HTTPS, {"HTTPS_PROXY": ""}),
    (HTTPS, {"HTTPS_PROXY": P, "https_proxy": ""}),
    (HTTP, {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}),
    ("https://localhost", {"HTTPS_PROXY": P}),
    ("https://127.0.0.1", {"HTTPS_PROXY": P}),
    ("https://[::1]", {"HTTPS_PROXY": P}),
]


@pytest.mark.parametrize(("endpoint", "environ"), STRAIGHT)
def test_the_straight_way(endpoint: str, environ: dict[str, str]) -> None:
    assert proxy_for(origin(endpoint, allow_http=True), environ) is None


EXCEPTIONS = [
    ("*", True),
    ("vault.example", True),
    (".vault.example", True),
    ("example", True),
    (".example", True),
    ("*.example", True),
    ("VAULT.Example", True),
    ("a.test, vault.example ,b.test", True),
    ("vault.example:8200", True),
    ("example:8200", True),
    ("vault.example:443", False),
    ("ault.example", False),
    ("vault.example.com", False),
    ("x.vault.example", False),
    ("10.0.0.0/8", False),
    ("", False),
    (",", False),
]


@pytest.mark.parametrize(("exceptions", "straight"), EXCEPTIONS)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_exceptions_by_name(exceptions: str, straight: bool, name: str) -> None:
    environ = {"HTTPS_PROXY": P, name: exceptions}
    assert (proxy_for(origin(HTTPS), environ) is None) is straight


@pytest.mark.parametrize(
    ("host", "exceptions", "straight"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:8200", True),
        ("10.1.2.3", "10.1.2.3:1", False),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", ".3", False),
        ("10.1.2.3", "2001:db8::/32", False),
        ("[2001:db8::7]", "2001:db8::/32", True),
        ("[2001:db8::7]", "2001:db8::7", True),
        ("[2001:db8::7]", "[2001:db8::7]", True),
        ("[2001:db8::7]", "[2001:db8::7]:8200", True),
    ],
)
def test_exceptions_by_address(host: str, exceptions: str, straight: bool) -> None:
    environ = {"HTTPS_PROXY": P, "NO_PROXY": exceptions}
    assert (proxy_for(origin(f"https://{host}:8200"), environ) is None) is straight


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("socks5://canary:canary@h:1", "kind 'socks5'"),
        ("http://", "is not an address"),
        ("http://canary:canary@", "is not an address"),
        ("http://canary:canary@h:99999", "is not an address"),
        ("http://[canary", "is not an address"),
    ],
)
def test_a_wrong_proxy(value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        proxy_for(origin(HTTPS), {"HTTPS_PROXY": value})
    assert "HTTPS_PROXY" in caught.value.message
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_credentials_are_not_shown() -> None:
    environ = {"HTTPS_PROXY": "http://u%40x:p%3Aw@proxy.example:3128"}
    proxy = proxy_for(origin(HTTPS), environ)
    assert proxy is not None
    assert proxy.authorization == f"Basic {base64.b64encode(b'u@x:p:w').decode()}"
    assert proxy.url == P
    for hidden in ("p:w", "p%3Aw", proxy.authorization):
        assert hidden not in repr(proxy)


BASIC = b"Proxy-Authorization: Basic " + base64.b64encode(b"u:canary")


@pytest.mark.asyncio
async def test_https_goes_through_a_tunnel(opened: Open, authority: Authority) -> None:
    certificate = authority.certificate("vault.test")
    with Server(tls=server_side(certificate)) as server, Server(tunnel) as proxy:
        environ = {"HTTPS_PROXY": f"http://u:canary@127.0.0.1:{proxy.port}"}
        endpoint = f"https://vault.test:{server.port}"
        async with opened(endpoint, environ, ca=str(authority.pem)) as wire:
            for _ in range(2):
                assert (await wire.send("GET", "/x", headers={"X-Token": "t"})).body == b"ok"
        (connect,) = proxy.requests
        assert BASIC in connect
        assert b"X-Token" not in connect
        assert [request.split(b" ")[1] for request in server.requests] == [b"/x", b"/x"]
        assert not any(b"Proxy-" in request for request in server.requests)


@pytest.mark.asyncio
async def test_plain_http_goes_to_the_proxy_with_the_whole_address(opened: Open) -> None:
    with Server() as proxy:
        environ = {"HTTP_PROXY": f"http://u:canary@127.0.0.1:{proxy.port}"}
        async with opened("http://vault.test:8200", environ, allow_http=True) as wire:
            assert (await wire.send("GET", "/%7Ex?a=b")).body == b"ok"
        assert proxy.requests[0].startswith(b"GET http://vault.test:8200/%7Ex?a=b HTTP/1.1\r\n")
        assert BASIC in proxy.requests[0]


@pytest.mark.asyncio
async def test_a_proxy_that_is_itself_reached_by_tls(
    opened: Open, authority: Authority
) -> None:
    """TLS within TLS; the pins are the endpoint's and say nothing of the proxy."""
    far, near = authority.certificate("vault.test"), authority.certificate("127.0.0.1")
    with Server(tls=server_side(far)) as server, Server(tunnel, tls=server_side(near)) as proxy:
        environ = {"HTTPS_PROXY": f"https://127.0.0.1:{proxy.port}"}
        settings = {"ca": str(authority.pem), "pins": (pin_of(far),)}
        async with opened(f"https://vault.test:{server.port}", environ, **settings) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        assert len(proxy.requests) == 1


async def through(opened: Open, proxy: str) -> Unavailable:
    environ = {"HTTPS_PROXY": f"http://u:canary@{proxy}"}
    async with opened("https://vault.test:8200", environ) as wire:
        with pytest.raises(Unavailable) as caught:
            await wire.send("GET", "/")
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.asyncio
async def test_a_proxy_that_is_not_there(opened: Open) -> None:
    place = f"127.0.0.1:{closed_port()}"
    error = await through(opened, place)
    assert error.message == f"the proxy {place} (HTTPS_PROXY) refuses connections"
    assert not error.sent


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "hint"), [(407, "user and password into HTTPS_PROXY"), (403, "NO_PROXY")]
)
async def test_a_proxy_that_refuses(opened: Open, status: int, hint: str) -> None:
    data = f"HTTP/1.1 {status} canary\r\nContent-Length: 0\r\n\r\n".encode()
    with Server(answer(data)) as proxy:
        place = f"127.0.0.1:{proxy.port}"
        error = await through(opened, place)
    assert error.message == (
        f"the proxy {place} (HTTPS_PROXY) makes no connection to vault.test:8200 "
        f"(status {status})"
    )
    assert hint in error.hint
    assert not error.sent


@pytest.mark.asyncio
async def test_a_proxy_that_hangs_up(opened: Open) -> None:
    with Server(hang_up()) as proxy:
        error = await through(opened, f"127.0.0.1:{proxy.port}")
    assert "closed the connection" in error.message


@pytest.mark.asyncio
async def test_this_host_is_reached_without_a_proxy(opened: Open, localhost: Path) -> None:
    environ = {"HTTP_PROXY": f"http://127.0.0.1:{closed_port()}"}
    with Server() as server:
        async with opened(server.url, environ) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
