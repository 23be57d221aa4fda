"""Who is at the other end: authorities, pins, client certificates."""

from __future__ import annotations

import base64
import ssl
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from skykeep.envelope import pins
from skykeep.errors import ConfigError, Unavailable
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import Authority, Server, pin_of, server_side, tunnel

pytestmark = pytest.mark.asyncio

OTHER = base64.b64encode(bytes(32)).decode()


async def test_tls_of_1_3_with_http_1_1(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    seen: list[object] = []

    def look(connection: object, request: bytes) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        seen.append((connection.version(), connection.selected_alpn_protocol()))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    context = server_side(localhost)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Server(look, tls=context) as server:
        async with opened(server.url, ca=str(authority.pem)) as wire:
            await wire.send("GET", "/")
            await wire.send("GET", "/")
        assert seen == [("TLSv1.3", "http/1.1")] * 2
        assert server.connections == 1


async def test_the_older_tls_is_not_the_limit(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    seen = []

    def look(connection: object, request: bytes) -> bool:
        assert isinstance(connection, ssl.SSLSocket)
        seen.append(connection.version())
        return False

    with Server(look, tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem), minimum="1.2") as wire:
            with pytest.raises(Unavailable):
                await wire.send("GET", "/")
    assert seen == ["TLSv1.3"]


async def test_nothing_older_than_1_2(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    old = server_side(localhost)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old is what it shall be
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with Server(tls=old) as server:
        async with opened(server.url, ca=str(authority.pem), minimum="1.2") as wire:
            with pytest.raises(Unavailable, match=r"speaks no TLS of version 1\.2 or newer"):
                await wire.send("GET", "/")


async def test_authorities_of_the_environment(
    opened: Open, authority: Authority, localhost: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "hashed"
    folder.mkdir()
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, {"SSL_CERT_FILE": str(authority.pem)}) as wire:
            await wire.send("GET", "/")
        # An empty folder trusts nobody: the system's authorities are not added.
        async with opened(server.url, {"SSL_CERT_DIR": str(folder)}) as wire:
            with pytest.raises(Unavailable, match="this system does not have"):
                await wire.send("GET", "/")


async def test_authorities_of_the_environment_stand_instead_of_the_systems(
    opened: Open,
    authority: Authority,
    stranger: Authority,
    localhost: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = ssl.get_default_verify_paths()._replace(openssl_cafile=str(authority.pem))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: built)
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        async with opened(server.url, {"SSL_CERT_FILE": str(stranger.pem)}) as wire:
            with pytest.raises(Unavailable, match="this system does not have"):
                await wire.send("GET", "/")


async def test_the_authority_of_the_target_goes_before_that_of_the_environment(
    opened: Open, authority: Authority, stranger: Authority, localhost: Path
) -> None:
    environ = {"SSL_CERT_FILE": str(authority.pem)}
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, environ, ca=str(stranger.pem)) as wire:
            with pytest.raises(Unavailable, match=r"tls\.ca does not have"):
                await wire.send("GET", "/")


async def test_the_process_has_no_say(
    opened: Open,
    authority: Authority,
    localhost: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url) as wire:
            with pytest.raises(Unavailable, match="this system does not have"):
                await wire.send("GET", "/")
    assert not (tmp_path / "keys").exists()


async def test_a_pinned_key(opened: Open, authority: Authority, localhost: Path) -> None:
    pinned = (OTHER, f"sha256//{pin_of(localhost)}")
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem), pins=pinned) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"


async def test_a_renewed_certificate_of_a_pinned_key(
    opened: Open, authority: Authority
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    first, second = authority.certificate(key=key), authority.certificate(key=key)
    assert pin_of(first) == pin_of(second)
    with Server(tls=server_side(second)) as server:
        async with opened(server.url, ca=str(authority.pem), pins=(pin_of(first),)) as wire:
            await wire.send("GET", "/")


async def test_a_key_that_is_not_pinned_gets_no_byte_of_the_request(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem), pins=(OTHER,)) as wire:
            with pytest.raises(Unavailable) as caught:
                await wire.send("POST", "/", body=b"secret")
        server.wait_ended()
        assert server.requests == []
    error = caught.value
    assert f"is not in tls.pins (its pin is {pin_of(localhost)})" in error.message
    assert not error.sent
    assert error.__context__ is None


async def test_a_certificate_that_cannot_be_read_matches_no_pin(
    opened: Open, authority: Authority, localhost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        pins.key_digest(b"none")
    monkeypatch.setattr(pins, "key_digest", lambda certificate: pins_of_nothing())
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem), pins=(pin_of(localhost),)) as wire:
            with pytest.raises(
                Unavailable, match=r"is not in tls\.pins \(its pin is unknown\)"
            ):
                await wire.send("GET", "/")
        assert server.requests == []


def pins_of_nothing() -> bytes:
    raise ValueError("unreadable")


async def test_a_pin_does_not_stand_for_a_valid_certificate(
    opened: Open, authority: Authority, stranger: Authority
) -> None:
    certificate = stranger.certificate()
    pinned = (pin_of(certificate),)
    with Server(tls=server_side(certificate)) as server:
        async with opened(server.url, ca=str(authority.pem), pins=pinned) as wire:
            with pytest.raises(Unavailable, match=r"tls\.ca does not have"):
                await wire.send("GET", "/")


async def test_pins_hold_through_a_proxy(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    certificate = authority.certificate("vault.test")
    with Server(tls=server_side(certificate)) as server, Server(tunnel) as proxy:
        endpoint = f"https://vault.test:{server.port}"
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        right = {"ca": str(authority.pem), "pins": (pin_of(certificate),)}
        async with opened(endpoint, environ, **right) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        async with opened(endpoint, environ, **{**right, "pins": (OTHER,)}) as wire:
            with pytest.raises(Unavailable, match=r"is not in tls\.pins") as caught:
                await wire.send("GET", "/")
        assert not caught.value.sent
        assert len(server.requests) == 1


@pytest.mark.parametrize("older", [False, True])
async def test_a_client_certificate(
    opened: Open, authority: Authority, stranger: Authority, localhost: Path, older: bool
) -> None:
    context = server_side(localhost, clients=authority.pem)
    if older:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    ours, foreign = authority.certificate("client"), stranger.certificate("client")
    settings = {"ca": str(authority.pem), "minimum": "1.2"}
    with Server(tls=context) as server:
        async with opened(server.url, cert=str(ours), **settings) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        async with opened(server.url, cert=str(ours), key=str(ours), **settings) as wire:
            assert (await wire.send("GET", "/")).body == b"ok"
        async with opened(server.url, **settings) as wire:
            with pytest.raises(Unavailable) as none:
                await wire.send("GET", "/")
        async with opened(server.url, cert=str(foreign), **settings) as wire:
            with pytest.raises(Unavailable) as wrong:
                await wire.send("GET", "/")
        assert len(server.requests) == 2
    # With TLS 1.2 the refusal is part of the handshake, and OpenSSL says only that it failed.
    if not older:
        assert "wants a certificate" in none.value.message
        assert "tls.cert" in none.value.hint
        assert "refuses our certificate" in wrong.value.message


async def config_error(opened: Open, **settings: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        async with opened("https://vault.example", **settings):
            pass
    assert caught.value.target == "the target"
    assert caught.value.__context__ is None
    return caught.value


async def test_files_that_are_none(
    opened: Open, authority: Authority, localhost: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("none")
    gone = tmp_path / "gone.pem"
    locked = authority.certificate(password=b"x")
    other = authority.certificate()

    async def said(**settings: object) -> str:
        return (await config_error(opened, **settings)).message

    assert await said(ca=str(gone)) == f"tls.ca: {gone} is not there"
    assert await said(ca=str(tmp_path)) == f"tls.ca: {tmp_path} is not there"
    assert "holds no certificate in PEM form" in await said(ca=str(empty))
    assert "SSL_CERT_FILE" in await said(environ={"SSL_CERT_FILE": str(gone)})
    assert "is no folder" in await said(environ={"SSL_CERT_DIR": str(gone)})
    ca = str(authority.pem)
    assert "cannot be read (No such file" in await said(ca=ca, cert=str(gone))
    assert "are no PEM" in await said(ca=ca, cert=str(empty))
    assert "do not fit together" in await said(ca=ca, cert=str(localhost), key=str(other))
    assert "are encrypted" in await said(ca=ca, cert=str(locked))
