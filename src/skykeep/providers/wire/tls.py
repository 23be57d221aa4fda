"""Who is at the other end: authorities, pins, our own certificate.

The context is made here rather than by ``ssl.create_default_context``, which reads
``SSLKEYLOGFILE`` and the certificate variables of the process; ours come from the
environment that the ``Cloud`` was opened with.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from skykeep.errors import ConfigError
from skykeep.settings.remote import TlsSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class PinMismatch(ssl.SSLError):
    """The server's certificate is valid, its key is not among the pins.

    Attributes:
        digest: SHA-256 of the key that was presented, which is public; empty if OpenSSL
            accepts a certificate that cannot be read here.
    """

    def __init__(self, digest: bytes) -> None:
        super().__init__("the server's key is not pinned")
        self.digest = digest


def context(settings: TlsSettings, host: str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """The context of connections to ``host``. Reads the files; blocks as long as that takes.

    Raises ``ConfigError`` for a file that is missing or is none of the kind.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
    made.minimum_version = _VERSIONS[settings.minimum]
    made.set_alpn_protocols(["http/1.1"])
    _trust(made, settings, environ)
    if settings.cert is not None:
        _show(made, settings.cert, settings.key)
    if settings.pins:
        made.sslobject_class = _pinning(settings.pinned(), host)
    return made


def _trust(made: ssl.SSLContext, settings: TlsSettings, environ: Mapping[str, str]) -> None:
    if settings.ca is not None:
        _load(made, "tls.ca", file=settings.ca)
        return
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file:
        _load(made, "SSL_CERT_FILE", file=file)
    if folder:
        _load(made, "SSL_CERT_DIR", folder=folder)
    if file or folder:
        return
    # Where this OpenSSL was built to look. The folder is searched by hash when a
    # certificate comes, which costs nothing here; the file is parsed as a whole.
    built = ssl.get_default_verify_paths()
    if Path(built.openssl_capath).is_dir():
        made.load_verify_locations(capath=built.openssl_capath)
    if Path(built.openssl_cafile).is_file():
        made.load_verify_locations(cafile=built.openssl_cafile)


def _load(
    made: ssl.SSLContext, key: str, *, file: str | None = None, folder: str | None = None
) -> None:
    path = Path(file or folder or "").expanduser()
    problem = None
    try:
        if folder is not None and not path.is_dir():
            problem = "is no folder"
        elif file is not None and not path.is_file():
            problem = "is not there"
        else:
            made.load_verify_locations(**{"cafile" if file else "capath": str(path)})
    except ssl.SSLError:
        problem = "holds no certificate in PEM form"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    if problem:
        raise ConfigError(
            f"{key}: {path} {problem}",
            hint="name a PEM file with the certificates of the authorities",
        )


def _show(made: ssl.SSLContext, cert: str, key: str | None) -> None:
    """Take our own certificate along."""
    asked = False

    def password() -> bytes:  # without it OpenSSL asks on the terminal
        nonlocal asked
        asked = True
        return b""

    chain, private = Path(cert).expanduser(), Path(key or cert).expanduser()
    problem = None
    try:
        made.load_cert_chain(chain, private, password)
    except ssl.SSLError as error:
        problem = "do not fit together" if "MISMATCH" in (error.reason or "") else "are no PEM"
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or 'not a file'})"
    if asked:
        problem = "are encrypted, and nobody can be asked for the password here"
    if problem:
        raise ConfigError(
            f"tls.cert and tls.key: {chain} and {private} {problem}",
            hint="name PEM files of a certificate and its private key, not encrypted",
        )


def _pinning(pins: frozenset[bytes], host: str) -> type[ssl.SSLObject]:
    """A TLS connection that ends its handshake only if the server's key is pinned.

    Within the handshake, because then no byte of a request has been sent.
    """
    from skykeep.envelope.pins import key_digest

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if self.server_hostname != host:  # a proxy that is itself reached by TLS
                return
            try:
                digest = key_digest(self.getpeercert(binary_form=True) or b"")
            except ValueError:  # asyncio ends a handshake in order after an SSLError only
                digest = b""
            if digest not in pins:
                raise PinMismatch(digest)

    return PinnedObject
