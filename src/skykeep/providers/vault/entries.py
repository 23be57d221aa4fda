"""What the engine knows of a KV 2 entry besides its values: the reply of ``metadata/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from skykeep.errors import Corrupt
from skykeep.interfaces.secret_driver import CURRENT, SecretInfo, Version
from skykeep.providers.vault.annotations import Annotations, unpack
from skykeep.providers.vault.answers import Known


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        current: the number of the newest version, deleted or not; at least 1.
        deleted_at: when that version was deleted; None if it is not, or was destroyed.
        destroyed: that version was destroyed: the entry has no value, and is there.
        versions: number -> when it was made, and whether it can be read.
    """

    current: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    destroyed: bool
    annotations: Annotations
    versions: Mapping[int, tuple[datetime, bool]]

    def info(self, name: str) -> SecretInfo:
        """As the driver gives it."""
        return SecretInfo(
            name,
            str(self.current),
            self.created_at,
            self.updated_at,
            self.annotations.metadata,
            self.annotations.tags,
            self.annotations.expires_at,
            self.deleted_at,
            self.annotations.stamp_of(self.current),
        )

    def listed_versions(self) -> list[Version]:
        """As the driver gives them, newest first."""
        return [
            Version(str(number), made, (CURRENT,) if number == self.current else (), readable)
            for number, (made, readable) in sorted(self.versions.items(), reverse=True)
        ]


def entry_of(known: Known, now: datetime) -> Entry | None:
    """The entry; None for one that has metadata and never had a value.

    ``now`` is the server's: a deletion time to come (``delete_version_after``) is none yet.
    Raises ``Corrupt``.
    """
    if known.current_version == 0:
        return None
    versions = {}
    deleted_at = None
    destroyed = False
    for key, about in known.versions.items():
        number, gone = _number(key), _ended(about.deletion_time, now)
        versions[number] = about.created_time, not (gone or about.destroyed)
        if number == known.current_version:
            destroyed = about.destroyed
            deleted_at = None if destroyed else gone
    return Entry(
        known.current_version,
        known.created_time,
        known.updated_time,
        deleted_at,
        destroyed,
        unpack(known.custom_metadata),
        versions,
    )


def _number(key: str) -> int:
    if key.isascii() and key.isdigit():
        return int(key)
    raise Corrupt("a version in Vault's answer has no number")


def _ended(deletion_time: str, now: datetime) -> datetime | None:
    """When it was deleted. RFC 3339 with up to nine digits of a second; Python keeps six."""
    if not deletion_time:
        return None
    try:
        at = datetime.fromisoformat(deletion_time).astimezone(UTC)
    except ValueError:
        raise Corrupt("a time in Vault's answer makes no sense") from None
    return at if at <= now else None
