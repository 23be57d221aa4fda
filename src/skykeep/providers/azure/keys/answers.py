"""The shapes of Key Vault's answers about keys, as far as they are used here.

Fields: ``azure.keyvault.keys._generated.models`` (KeyBundle, JsonWebKey, KeyItem,
KeyOperationResult, KeyVerifyResult). Bytes are Base64 of the alphabet for addresses, without
padding.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

import msgspec

from skykeep.errors import Corrupt
from skykeep.providers.azure.answers import Times


class Jwk(msgspec.Struct):
    """A version's public half. ``kid`` is ``https://HOST/keys/NAME/VERSION``."""

    kid: str
    kty: str = ""
    key_ops: list[str] | None = None
    crv: str | None = None

    @property
    def version(self) -> str:
        """The version's id."""
        return version_of(self.kid)


class Bundle(msgspec.Struct):
    """A version of a key."""

    key: Jwk
    attributes: Times = msgspec.field(default_factory=Times)


class Item(msgspec.Struct):
    """A key in a listing."""

    kid: str
    attributes: Times = msgspec.field(default_factory=Times)

    @property
    def stored(self) -> str:
        """The key's name in the vault."""
        return _parts(self.kid)[2]


class Listed(msgspec.Struct):
    """A page of keys."""

    value: list[Item] | None = None
    nextLink: str | None = None  # noqa: N815 - the service's name


class Result(msgspec.Struct):
    """What an operation of a key gives; ``kid`` says which version did it."""

    kid: str
    value: str

    def __repr__(self) -> str:
        return f"Result({self.kid!r})"

    @property
    def version(self) -> str:
        """The version's id."""
        return version_of(self.kid)

    def data(self) -> bytes:
        """The bytes. Raises ``Corrupt``."""
        return from_base64(self.value)


class Verified(msgspec.Struct):
    """Whether a signature is good."""

    value: bool


def version_of(kid: str) -> str:
    """The version's id; ``""`` if the address has none."""
    parts = _parts(kid)
    return parts[3] if len(parts) > 3 else ""


def to_base64(data: bytes) -> str:
    """As the service takes bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """Raises ``Corrupt``."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        pass  # its exception may show a part of it
    raise Corrupt("Azure Key Vault: the answer is not Base64")


def _parts(kid: str) -> list[str]:
    return [*urlsplit(kid).path.split("/"), "", ""]
