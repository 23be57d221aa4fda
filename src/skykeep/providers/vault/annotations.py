"""Tags, metadata and expiry as the custom metadata of a KV 2 entry, and back.

Custom metadata is one map of text to text. Tags stand in it as they are, so that other tools
show them; portable metadata has ``metadata:`` before its keys; what skykeep keeps for itself
begins with ``skykeep:`` (docs/adr/0015). ``skykeep:stamp.NUMBER`` is the stamp of that version.
Each has a key of its own, so that writers at once, who say it behind their values, take none
away from each other; those of the newest ``STAMPS`` versions are kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes, Stamp

# openbao website/content/api-docs/secret/kv/kv-v2.mdx, "custom_metadata"
MAX_PAIRS: Final = 64
MAX_KEY_BYTES: Final = 128
MAX_VALUE_BYTES: Final = 512

STAMPS: Final = 8

_HOUSE = "skykeep:"
_METADATA = "metadata:"
_EXPIRES = "skykeep:expires-at"
_STAMP = "skykeep:stamp."
_CODED = "base64:"  # before a value that the engine refuses: an empty or unprintable one


@dataclass(frozen=True, slots=True)
class Annotations:
    """What a KV 2 entry says beside its value."""

    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    house: dict[str, str] = field(default_factory=dict)

    def changed(self, given: Attributes) -> Annotations:
        """With what is given in place of what was there; for that, stamps make room."""
        made = Annotations(
            dict(self.tags if given.tags is KEEP else given.tags),
            dict(self.metadata if given.metadata is KEEP else given.metadata),
            self.expires_at if given.expires_at is KEEP else given.expires_at,
            self.house,
        )
        return made._with(self._stamps(), MAX_PAIRS)

    def stamped(self, stamp: Stamp | None, version: int) -> Annotations:
        """With the stamp of a new version, if there is one, and those of older ones that are
        kept beside it."""
        if stamp is None:
            return self
        own = f"{_STAMP}{version}"
        return self._with({own: ""} | self._stamps() | {own: str(stamp)}, STAMPS)

    def stamp_of(self, version: int) -> Stamp | None:
        """The stamp of a version; None if it has none."""
        return Stamp.parse(self.house.get(f"{_STAMP}{version}", ""))

    def patch_to(self, after: Annotations) -> dict[str, str | None]:
        """The merge patch of custom metadata (RFC 7396) that makes this that; they differ in
        what the house keeps alone."""
        gone = dict.fromkeys(self.house.keys() - after.house.keys())
        return gone | dict(after.house.items() - self.house.items())

    def _stamps(self) -> dict[str, str]:
        """Newest first."""
        keys = (key for key in self.house if key.startswith(_STAMP))
        return {key: self.house[key] for key in sorted(keys, key=_number, reverse=True)}

    def _with(self, stamps: dict[str, str], most: int) -> Annotations:
        """With the first of these, as many as there is room for: nothing that the application
        says is refused for them."""
        plain = {key: text for key, text in self.house.items() if not key.startswith(_STAMP)}
        said = len(plain) + len(self.tags) + len(self.metadata) + bool(self.expires_at)
        room = max(0, min(most, MAX_PAIRS - said))
        return replace(self, house=plain | dict(islice(stamps.items(), room)))

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


def _number(key: str) -> int:
    """The version that a stamp is of; 0 if somebody else has put something there."""
    text = key.removeprefix(_STAMP)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


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
