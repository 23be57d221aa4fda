"""What a provider writes to keep secrets. The data that it exchanges is given on from here.

A driver raises our errors (``skykeep.errors``), never retries, never logs, never caches
and opens no task that outlives a call. The suite ``skykeep.conformance.secrets`` is the
executable form of this contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from skykeep.errors import Unsupported
from skykeep.interfaces.secret_data import (
    CURRENT,
    KEEP,
    PENDING,
    PREVIOUS,
    STAMP_DIGEST_BYTES,
    Attributes,
    Keep,
    Page,
    Provenance,
    Secret,
    SecretInfo,
    Stamp,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

__all__ = [
    "CURRENT",
    "KEEP",
    "PENDING",
    "PREVIOUS",
    "STAMP_DIGEST_BYTES",
    "VALUES_ONLY",
    "Attributes",
    "Keep",
    "Page",
    "Provenance",
    "Secret",
    "SecretCapabilities",
    "SecretDriver",
    "SecretInfo",
    "Stamp",
    "Version",
    "Written",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCapabilities:
    """What a store can do. Each flag is tested both ways by the conformance suite.

    A driver whose flag is off raises ``Unsupported`` for what the flag names, before any
    side effect.

    Attributes:
        versions: older versions can be read.
        max_versions: how many versions of a secret are kept; None is unbounded.
        stages: versions carry movable labels beyond ``current``.
        movable_current: ``current`` can be on another version than the newest. Off where
            the newest is what every reader of the store gets: a version cannot be kept
            under another stage first, nor ``current`` be moved back to an older one.
        metadata: free text pairs are kept with the secret.
        tags: short label pairs are kept with the secret.
        expiry: an expiry time is kept with the secret.
        soft_delete: a deleted secret can be restored until it is purged.
        compare_and_set: ``expects`` is decided by the store, not by a look before, where
            ``current`` is written: ``update`` of it and ``move_stage`` of it.
        conditional_changes: so it is everywhere else: ``annotate``, ``delete``, other
            stages; and of two deletes at once one is told ``NotFound``.
        exclusive_create: of two ``create`` at once one is told ``Conflict``.
        attributes_with_value: ``get`` tells metadata, tags and expiry too; off where the
            store would have to be asked a second time: they are empty and None then, and
            ``describe`` tells them.
        version_with_value: ``get`` tells when the version was made and every label on it; off
            likewise: ``created_at`` is None then, ``stages`` has only what was asked for, and
            ``versions`` tells them.
        version_in_list: ``list`` tells the current version and the time of the last change;
            off where each secret would have to be asked for singly: the version is None then,
            the time too where it is not known either, and ``describe`` tells them.
        versions_of_deleted: all versions of a deleted secret are told; off where only its
            current one is, until it is restored.
        times: the store tells when a secret was made and changed.
        creation_time: so it does of the first of these for a secret as a whole; off where
            it tells the times of versions only.
        stamps: a ``Stamp`` given with a value is kept and told by ``describe``. Off, it is no
            error: the stamp is left out.
        stamp_with_value: ``get`` tells it, too.
        empty_values: a value of 0 bytes can be kept.
        case_sensitive: names that differ in case only are different names.
        max_value_bytes: the largest value.
        max_binary_bytes: the largest value that is no text, where a store of text keeps it
            encoded; None is as large as any.
        write: the store can be written at all.
    """

    versions: bool = True
    max_versions: int | None = None
    stages: bool = True
    movable_current: bool = True
    metadata: bool = True
    tags: bool = True
    expiry: bool = True
    soft_delete: bool = True
    compare_and_set: bool = True
    conditional_changes: bool = True
    exclusive_create: bool = True
    attributes_with_value: bool = True
    version_with_value: bool = True
    version_in_list: bool = True
    versions_of_deleted: bool = True
    times: bool = True
    creation_time: bool = True
    stamps: bool = False
    stamp_with_value: bool = False
    empty_values: bool = True
    case_sensitive: bool = True
    max_value_bytes: int = MAX_VALUE_BYTES
    max_binary_bytes: int | None = None
    write: bool = True


VALUES_ONLY: Final = SecretCapabilities(
    versions=False,
    stages=False,
    movable_current=False,
    metadata=False,
    tags=False,
    expiry=False,
    soft_delete=False,
    compare_and_set=False,
    conditional_changes=False,
    exclusive_create=False,
)
"""What a store can do that keeps one value a name and nothing beside it."""


class SecretDriver(ABC):
    """Keeps secrets in one store. All names are portable or ``native:`` ones, checked.

    Every method may raise ``Denied``, ``Unauthenticated``, ``Throttled``, ``Unavailable``,
    ``KeyFailure``, ``Corrupt`` and, for a name that the store cannot carry, ``Invalid``.
    The methods below the line have a default that raises ``Unsupported``.
    """

    capabilities: SecretCapabilities
    """What this store can do; fixed while the driver is open."""

    @abstractmethod
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        """The value at a version, at a stage, or (neither given) the current one.

        Raises ``NotFound`` (no such secret, version or stage; a deleted secret),
        ``VersionUnavailable`` (the version's value is gone or disabled).
        """

    @abstractmethod
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        """Secrets whose name lies under ``prefix`` (whole segments, no closing slash).

        ``""`` is all; ``db`` finds ``db/password``, not ``db`` and not ``dbx/password``.
        ``deleted`` lists the deleted ones instead. A secret that is neither written nor
        deleted while the listing goes on appears exactly once. Raises ``Invalid`` for a
        cursor that it did not issue.
        """

    @abstractmethod
    async def describe(self, name: str) -> SecretInfo:
        """What is known without the value. A deleted secret is described too
        (``deleted_at``). Raises ``NotFound``."""

    async def versions(self, name: str) -> Sequence[Version]:
        """All versions that the store still knows, newest first. Raises ``NotFound``."""
        raise self.unsupported("versions")

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        """Keep a new secret. Raises ``Conflict`` if the name exists, ``PendingDelete`` if a
        tombstone holds it, ``Quota``."""
        raise self.unsupported("create")

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        """Add a version under ``stage``. A move of ``current`` leaves ``previous`` behind.

        A value that is already at that stage makes no new version. ``expects`` is the id
        that ``current`` must have, else ``Conflict``. Raises ``NotFound``,
        ``PendingDelete``, ``Quota``.
        """
        raise self.unsupported("update")

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        """Change metadata, tags or expiry and no value. Raises ``NotFound``,
        ``PendingDelete``, ``Conflict``."""
        raise self.unsupported("annotate")

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        """Put the label on a version; None takes it off (not ``current``).

        Moving ``current`` puts ``previous`` on the version that had it. ``expects`` is the
        id that ``current`` must have. Raises ``NotFound``, ``VersionUnavailable``,
        ``PendingDelete``, ``Conflict``.
        """
        raise self.unsupported("move_stage")

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        """Delete it: restorable where the store has soft delete, for ever elsewhere.

        Raises ``NotFound`` (also if it is deleted already), ``Conflict``.
        """
        raise self.unsupported("delete")

    async def restore(self, name: str) -> None:
        """Undo a delete. Raises ``NotFound``; ``Conflict`` if it is not deleted."""
        raise self.unsupported("restore")

    async def purge(self, name: str) -> None:
        """Remove it for ever, deleted before or not. Raises ``NotFound``."""
        raise self.unsupported("purge")

    async def region(self) -> str | None:
        """Where the secrets are, by the service's own word; None where it does not tell.

        Several regions, each of which has all of them, are joined by commas. What is sent to
        ask carries no name of the application's. ``Denied`` is taken for None.
        """
        return None

    async def close(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """Let go of connections and keys. Called once; no call is under way."""

    def after_fork(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """In a forked child: drop what must not be shared with the parent; do not close it."""

    def unsupported(self, what: str) -> Unsupported:
        """The error for what this store cannot do."""
        return Unsupported(f"{type(self).__name__} cannot do '{what}'", hint="nothing happened")
