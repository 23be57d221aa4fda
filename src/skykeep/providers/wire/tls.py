"""Who is at the other end: authorities, pins, our own certificate.

The context is made here rather than by ``ssl.create_default_context``, which reads
``SSLKEYLOGFILE`` and the certificate variables of the process; ours come from the
environment that the ``Cloud`` was opened with.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from skykeep.errors import ConfigError
from skykeep.providers.wire.options import TlsMaterial
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


_NOTHING_MORE = TlsMaterial()


def context(
    settings: TlsSettings,
    host: str,
    environ: Mapping[str, str],
    material: TlsMaterial = _NOTHING_MORE,
) -> ssl.SSLContext:
    """The context of connections to ``host``. Reads the files; blocks as long as that takes.

    What the settings name goes before ``material``. Raises ``ConfigError`` for a file that is
    missing or is none of the kind.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
    made.minimum_version = _VERSIONS[settings.minimum]
    made.set_alpn_protocols(["http/1.1"])
    if settings.ca is None and material.authorities is not None:
        _trust_given(made, material.authorities)
    else:
        _trust(made, settings, environ)
    if settings.cert is not None:
        _show(made, settings.cert, settings.key)
    elif material.certificate is not None:
        _show_given(made, material.certificate, material.key or material.certificate)
    if settings.pins:
        made.sslobject_class = _pinning(settings.pinned(), material.server_name or host)
    return made


def _trust_given(made: ssl.SSLContext, authorities: str) -> None:
    problem = ""
    try:
        made.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, TypeError, ValueError):  # TypeError: not ASCII
        problem = "the certificate authorities that are configured are no PEM"
    if problem:
        raise ConfigError(problem, hint="are they base64 of a PEM file, whole?")


def _show_given(made: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """As ``_show``, for PEM that is in no file: OpenSSL's Python face takes files only."""
    with _unlisted(certificate) as chain, _unlisted(key) as private:
        problem = _loaded(made, chain, private)
    del certificate, key
    if problem:
        raise ConfigError(
            f"the client's certificate and key that are configured {problem}",
            hint="give PEM of a certificate and its private key, not encrypted",
        )


@contextmanager
def _unlisted(content: bytes) -> Iterator[str]:
    """A path under which this process alone reads the content, gone afterwards: in memory
    where the system can (Linux), else a file of mode 0600."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        number = os.memfd_create("skykeep", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{number}"
    else:  # pragma: no cover  (not on Linux, where the tests run)
        from tempfile import mkstemp

        number, path = mkstemp(prefix="skykeep-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            yield path
    finally:
        del content
        if not path.startswith("/proc/"):  # pragma: no cover  (as above)
            Path(path).unlink()


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
    chain, private = Path(cert).expanduser(), Path(key or cert).expanduser()
    problem = _loaded(made, str(chain), str(private))
    if problem:
        raise ConfigError(
            f"tls.cert and tls.key: {chain} and {private} {problem}",
            hint="name PEM files of a certificate and its private key, not encrypted",
        )


def _loaded(made: ssl.SSLContext, chain: str, private: str) -> str | None:
    """Load certificate and key; what is wrong with them, if anything is."""
    asked = False

    def password() -> bytes:  # without it OpenSSL asks on the terminal
        nonlocal asked
        asked = True
        return b""

    problem = None
    try:
        made.load_cert_chain(chain, private, password)
    except ssl.SSLError as error:
        problem = "do not fit together" if "MISMATCH" in (error.reason or "") else "are no PEM"
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or 'not a file'})"
    if asked:
        problem = "are encrypted, and nobody can be asked for the password here"
    return problem


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
