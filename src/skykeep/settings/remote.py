"""What the configuration may say of a target that is reached over the network.

Providers of such targets extend ``RemoteSettings``; ``skykeep.providers.wire`` does what it
says. The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from skykeep.settings.model import NonEmpty, TargetSettings


class TlsSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who is trusted at the other end, and how we show who we are.

    The certificate is always verified, and its name compared with the endpoint's; nothing
    here turns that off.

    Attributes:
        minimum: the oldest version of TLS that is spoken: "1.3", or "1.2" for an endpoint
            that lacks it. In quotes.
        ca: PEM file of the certificate authorities that are trusted for this target,
            instead of the system's.
        pins: SHA-256 digests of public keys (SubjectPublicKeyInfo), base64, as in RFC 7469;
            the server's own key must be one of them, besides its certificate being valid.
            Have a second one ready for the day of the change.
        cert: PEM file of the client's certificate, with what leads to its authority.
        key: PEM file of its private key, not encrypted; by default it is in cert.
    """

    minimum: Literal["1.2", "1.3"] = "1.3"
    ca: NonEmpty | None = None
    pins: tuple[NonEmpty, ...] = ()
    cert: NonEmpty | None = None
    key: NonEmpty | None = None

    def __post_init__(self) -> None:
        self.pinned()
        if self.key and not self.cert:
            raise ValueError("tls.key needs tls.cert, the certificate that it belongs to")

    def pinned(self) -> frozenset[bytes]:
        """The pins as digests of 32 bytes. Raises ``ValueError`` for what is none."""
        return frozenset(_digest(pin) for pin in self.pins)


class RemoteSettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A target that is reached over HTTP.

    Attributes:
        endpoint: the service's address, ``https://HOST[:PORT][/PATH]``, if it is not the one
            that follows from the other keys.
        allow_http: whether endpoint may be plain http on another host than this one:
            everybody on the way can then read the secrets. On loopback it may anyway.
        tls: who is trusted at the other end.
        connect_timeout_seconds: for finding the host's address, and again for the
            connection with its TLS handshake; more than 0.
    """

    endpoint: NonEmpty | None = None
    allow_http: bool = False
    tls: TlsSettings = TlsSettings()
    connect_timeout_seconds: Annotated[float, Meta(gt=0)] = 3.0


def _digest(pin: str) -> bytes:
    # curl writes ``sha256//``, OkHttp and Android ``sha256/`` before the same digest, which
    # is of 44 characters and may itself begin with slashes.
    prefix, text = pin[:-44], pin[-44:]
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32 or prefix not in {"", "sha256/", "sha256//"}:
        raise ValueError(f"a pin of tls.pins is the base64 of 32 bytes; '{pin}' is not")
    return digest
