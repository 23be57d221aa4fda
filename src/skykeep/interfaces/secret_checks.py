"""What is checked of a request before any call is made, the same for every store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes, Keep

MAX_TAGS = 50  # AWS and Azure allow 50 (providers' references), GCP 64 labels
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_METADATA = 64
MAX_METADATA_VALUE = 4096
MAX_LABEL = 256

_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*\Z")
_NO_SURROGATE = re.compile(r"[^\x00\ud800-\udfff]*\Z")


def check_stage(stage: str) -> str:
    """1 to 64 of ``[A-Za-z0-9._-]``, the first a letter or digit."""
    if not _STAGE.match(stage):
        raise Invalid(
            f"{shown(stage)} is not a stage",
            hint="use 1 to 64 letters, digits, '.', '_', '-', as in 'current' or 'pending'",
        )
    return stage


def check_version(version: str) -> str:
    """1 to 256 printable characters; which of them exist is the store's to say."""
    if not version or len(version) > MAX_LABEL or not _PRINTABLE.match(version):
        raise Invalid(f"{shown(version)} is not a version id")
    return version


def check_attributes(
    metadata: Mapping[str, str] | Keep,
    tags: Mapping[str, str] | Keep,
    expires_at: datetime | Keep | None,
) -> Attributes:
    """The attributes, copied and with the expiry in UTC. Raises ``Invalid``."""
    if not isinstance(metadata, Keep):
        metadata = _pairs("metadata", metadata, MAX_METADATA, MAX_METADATA_VALUE, _NO_SURROGATE)
    if not isinstance(tags, Keep):
        tags = check_tags(tags)
    if isinstance(expires_at, datetime):
        if expires_at.tzinfo is None:
            raise Invalid(
                "expires_at has no time zone", hint="pass an aware datetime, as in UTC"
            )
        expires_at = expires_at.astimezone(UTC)
    elif expires_at is not None and expires_at is not KEEP:
        raise Invalid(f"expires_at is a datetime, not {type(expires_at).__name__}")
    return Attributes(metadata=metadata, tags=tags, expires_at=expires_at)


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """At most 50, with keys of 1 to 128 and values of up to 256 printable characters.

    The tags, copied. Raises ``Invalid``.
    """
    return _pairs("tags", tags, MAX_TAGS, MAX_TAG_VALUE, _PRINTABLE)


def _pairs(
    what: str, pairs: Mapping[str, str], count: int, length: int, allowed: re.Pattern[str]
) -> dict[str, str]:
    if len(pairs) > count:
        raise Invalid(f"{len(pairs)} {what}; at most {count} are kept")
    for key, value in pairs.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise Invalid(f"{what} are text to text, not {key!r} to {type(value).__name__}")
        if not 0 < len(key) <= MAX_TAG_KEY or not _PRINTABLE.match(key):
            raise Invalid(
                f"{shown(key)} is not a key for {what}: 1 to {MAX_TAG_KEY} printable characters"
            )
        if len(value) > length or not allowed.match(value):
            raise Invalid(
                f"the value of {what} {shown(key)} is over {length:,} characters "
                "or has control characters"
            )
    return dict(pairs)
