"""Tags, metadata and expiry as the custom metadata of a KV 2 entry, and back.

Custom metadata is one map of text to text. Tags stand in it as they are, so that other tools
show them; portable metadata has ``metadata:`` before its keys; what skykeep keeps for itself
begins with ``skykeep:`` (docs/adr/0015).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes

# openbao website/content/api-docs/secret/kv/kv-v2.mdx, "custom_metadata"
MAX_PAIRS: Final = 64
MAX_KEY_BYTES: Final = 128
MAX_VALUE_BYTES: Final = 512

_HOUSE = "skykeep:"
_METADATA = "metadata:"
_EXPIRES = "skykeep:expires-at"
_CODED = "base64:"  # before a value that the engine refuses: an empty or unprintable one


@dataclass(frozen=True, slots=True)
class Annotations:
    """What a KV 2 entry says beside its value."""

    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    house: dict[str, str] = field(default_factory=dict)

    def changed(self, given: Attributes) -> Annotations:
        """With what is given in place of what was there."""
        return Annotations(
            dict(self.tags if given.tags is KEEP else given.tags),
            dict(self.metadata if given.metadata is KEEP else given.metadata),
            self.expires_at if given.expires_at is KEEP else given.expires_at,
            self.house,
        )

    def pack(self) -> dict[str, str]:
        """The custom metadata. Raises ``Invalid`` if the engine has no room for it."""
        pairs = dict(self.house)
        for key, value in self.tags.items():
            if key.startswith((_HOUSE, _METADATA)):
                raise Invalid(f"a tag cannot begin with {_HOUSE!r} or {_METADATA!r} in Vault")
            pairs[key] = _coded(value)
        for key, value in self.metadata.items():
            pairs[_METADATA + key] = _coded(value)
        if self.expires_at is not None:
            pairs[_EXPIRES] = self.expires_at.astimezone(UTC).isoformat()
        if len(pairs) > MAX_PAIRS:
            raise Invalid(
                f"Vault keeps at most {MAX_PAIRS} tags and metadata of a secret; "
                f"these are {len(pairs)}"
            )
        for key, value in pairs.items():
            if len(key.encode()) > MAX_KEY_BYTES or len(value.encode()) > MAX_VALUE_BYTES:
                raise Invalid(
                    f"the tag or metadata {shown(key)} is too long for Vault: "
                    f"{MAX_KEY_BYTES} bytes for a key, {MAX_VALUE_BYTES} for a value"
                )
        return pairs


def unpack(pairs: Mapping[str, str] | None) -> Annotations:
    """What custom metadata says."""
    found = Annotations()
    expires_at = None
    for key, value in (pairs or {}).items():
        if key == _EXPIRES:
            expires_at = _moment(value)
        elif key.startswith(_HOUSE):
            found.house[key] = value
        elif key.startswith(_METADATA):
            found.metadata[key[len(_METADATA) :]] = _plain(value)
        else:
            found.tags[key] = _plain(value)
    return Annotations(found.tags, found.metadata, expires_at, found.house)


def _coded(value: str) -> str:
    if value and value.isprintable() and not value.startswith(_CODED):
        return value
    return _CODED + base64.b64encode(value.encode()).decode()


def _plain(value: str) -> str:
    if value.startswith(_CODED):
        try:
            return base64.b64decode(value[len(_CODED) :], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pass  # somebody else's text
    return value


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
