"""The shapes of Key Vault's answers, as far as they are used here.

Fields: ``azure.keyvault.secrets._generated.models`` 4.12 (SecretBundle, SecretItem,
DeletedSecretBundle, DeletedSecretItem), of which one structure has all. What can hold a value
shows nothing of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec


class Times(msgspec.Struct):
    """The attributes of a version. Times are whole seconds since 1970.

    Attributes:
        exp: when it should no longer be used, "for informational purposes only".
        recoveryLevel: what a deletion means in this vault; with ``Purgeable`` in it, a
            tombstone can be purged before its time.
    """

    enabled: bool | None = None
    exp: int | None = None
    created: int | None = None
    updated: int | None = None
    recoveryLevel: str | None = None  # noqa: N815 - the service's name

    @property
    def purgeable(self) -> bool:
        """Whether purging is not forbidden by the vault's purge protection."""
        return self.recoveryLevel is None or "Purgeable" in self.recoveryLevel


class Entry(msgspec.Struct):
    """A version of a secret, a secret in a listing, or a tombstone.

    Attributes:
        id: ``https://HOST/secrets/NAME``, and ``/VERSION`` but in listings of secrets.
        managed: it belongs to a certificate of the vault.
    """

    id: str = ""
    value: str | None = None
    contentType: str | None = None  # noqa: N815 - the service's name
    attributes: Times = msgspec.field(default_factory=Times)
    tags: dict[str, str] | None = None
    managed: bool | None = None
    recoveryId: str | None = None  # noqa: N815 - the service's name
    deletedDate: int | None = None  # noqa: N815 - the service's name
    scheduledPurgeDate: int | None = None  # noqa: N815 - the service's name

    def __repr__(self) -> str:
        return f"Entry({self.id!r})"

    @property
    def stored(self) -> str:
        """The secret's name in the vault."""
        return self._part(1)

    @property
    def version(self) -> str:
        """The version's id; ``""`` in a listing of secrets."""
        return self._part(2)

    @property
    def enabled(self) -> bool:
        """Whether its value can be read."""
        return self.attributes.enabled is not False

    def _part(self, at: int) -> str:
        parts = urlsplit(self.id).path.strip("/").split("/")
        return parts[at] if len(parts) > at else ""


class Listed(msgspec.Struct):
    """A page of a listing; ``nextLink`` is the address of the next."""

    value: list[Entry] | None = None
    nextLink: str | None = None  # noqa: N815 - the service's name


def instant(seconds: int | None) -> datetime | None:
    """A time of the service, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
