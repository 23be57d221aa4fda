"""The state of an in-memory store: secrets, their versions and labels. No I/O, no waiting.

What belongs here: what a store remembers and the rules between names, versions and labels.
What does not: capabilities and planted faults (``secrets.py``, ``faults.py``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from skykeep.errors import Conflict, Invalid, NotFound, PendingDelete
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, KEEP, PREVIOUS, Attributes, Stamp, Written
from skykeep.interfaces.secret_value import SecretValue


@dataclass(slots=True, frozen=True)
class KeptVersion:
    """One immutable value, when it was written (UTC), and which write that was."""

    id: str
    value: SecretValue
    created_at: datetime
    stamp: Stamp | None = None


@dataclass(slots=True)
class Record:
    """All that is kept under one key.

    Attributes:
        key: the key as it was first written.
        versions: by id, oldest first.
        stages: label -> version id; a label is on one version at most.
        issued: how many version ids were ever given out for this record.
    """

    key: str
    created_at: datetime
    updated_at: datetime
    versions: dict[str, KeptVersion] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    deleted_at: datetime | None = None
    issued: int = 0

    def labels(self, version: str) -> tuple[str, ...]:
        """The labels on a version, sorted."""
        return tuple(sorted(label for label, at in self.stages.items() if at == version))

    def stamp(self) -> Stamp | None:
        """That of the current version."""
        kept = self.versions.get(self.stages.get(CURRENT, ""))
        return None if kept is None else kept.stamp


class MemoryStore:
    """Records by key. Several drivers may share one; it belongs to one thread at a time.

    Errors show keys and version ids, never values.
    """

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._order: list[str] = []

    def __len__(self) -> int:
        return len(self._records)

    # -- finding

    def find(self, key: str) -> Record:
        """The record, deleted or not. Raises ``NotFound``."""
        try:
            return self._records[key]
        except KeyError:
            pass  # raised outside: a KeyError as context says nothing to anybody
        raise NotFound(f"there is no secret {shown(key)}", resource=key)

    def live(self, key: str) -> Record:
        """The record if it is not deleted. Raises ``NotFound``."""
        record = self.find(key)
        if record.deleted_at is not None:
            raise NotFound(f"the secret {shown(key)} is deleted", resource=key)
        return record

    def writable(self, key: str, expects: str | None) -> Record:
        """The record to be written. Raises ``NotFound``, ``PendingDelete``, ``Conflict``."""
        record = self.find(key)
        if record.deleted_at is not None:
            raise _tombstone(key)
        self.compare(record, expects)
        return record

    def compare(self, record: Record, expects: str | None) -> None:
        """Raise ``Conflict`` unless ``current`` is the version expected (None: any)."""
        current = record.stages.get(CURRENT)
        if expects is not None and expects != current:
            raise Conflict(
                f"the current version of {shown(record.key)} is {current}, "
                f"not {shown(expects)} as expected",
                resource=record.key,
            )

    def under(
        self, start: str, after: str | None, *, deleted: bool
    ) -> Iterator[tuple[str, Record]]:
        """Key and record of those that begin with ``start``, in order, past ``after``."""
        order = self._order
        at = bisect_left(order, start) if after is None else bisect_right(order, after)
        while at < len(order) and (key := order[at]).startswith(start):
            at += 1
            record = self._records[key]
            if (record.deleted_at is not None) is deleted:
                yield key, record

    # -- writing

    def create(
        self, key: str, shown_key: str, value: SecretValue, given: Attributes
    ) -> Written:
        """Keep a new record. Raises ``Conflict``, ``PendingDelete``."""
        record = self._records.get(key)
        if record is not None:
            if record.deleted_at is not None:
                raise _tombstone(key)
            raise Conflict(f"the secret {shown(key)} exists already", resource=key)
        now = _now()
        record = Record(shown_key, now, now)
        self._records[key] = record
        insort(self._order, key)
        self.annotate(record, given)
        version = self._add(record, value, given.stamp)
        record.stages[CURRENT] = version
        return Written(version)

    def update(
        self,
        record: Record,
        value: SecretValue,
        stage: str,
        *,
        previous: bool,
        keep: int | None,
        stamp: Stamp | None = None,
    ) -> Written:
        """Add a version under a label unless the label's version holds that value.

        ``previous``: leave that label behind when ``current`` moves. ``keep``: prune the
        oldest versions without a label while there are more than this. ``stamp``: of the
        version, if one is added.
        """
        held = record.stages.get(stage)
        if held is not None and record.versions[held].value == value:
            return Written(held, changed=False)
        version = self._add(record, value, stamp)
        self.move(record, stage, version, previous=previous)
        if keep is not None:
            self._prune(record, keep)
        return Written(version)

    def annotate(self, record: Record, given: Attributes) -> None:
        """Change what is given and differs."""
        before = (record.metadata, record.tags, record.expires_at)
        if given.metadata is not KEEP:
            record.metadata = dict(given.metadata)
        if given.tags is not KEEP:
            record.tags = dict(given.tags)
        if given.expires_at is not KEEP:
            at = given.expires_at
            record.expires_at = None if at is None else at.astimezone(UTC)
        if before != (record.metadata, record.tags, record.expires_at):
            record.updated_at = _now()

    def move(self, record: Record, stage: str, version: str | None, *, previous: bool) -> None:
        """Put the label on a version that is there; None takes it off."""
        held = record.stages.get(stage)
        if held == version:
            return
        if version is None:
            if stage == CURRENT:
                raise Invalid("'current' cannot be taken off", resource=record.key)
            del record.stages[stage]
        else:
            if version not in record.versions:
                raise NotFound(
                    f"{shown(record.key)} has no version {shown(version)}", resource=record.key
                )
            record.stages[stage] = version
            if stage == CURRENT and previous and held is not None:
                record.stages[PREVIOUS] = held
        record.updated_at = _now()

    def delete(self, record: Record) -> None:
        """Leave a tombstone that can be restored."""
        record.deleted_at = record.updated_at = _now()

    def restore(self, key: str) -> None:
        """Undo a delete. Raises ``NotFound``, ``Conflict``."""
        record = self.find(key)
        if record.deleted_at is None:
            raise Conflict(f"the secret {shown(key)} is not deleted", resource=key)
        record.deleted_at = None
        record.updated_at = _now()

    def purge(self, key: str) -> None:
        """Forget the record. Raises ``NotFound``."""
        self.find(key)
        del self._records[key]
        del self._order[bisect_left(self._order, key)]

    def _add(self, record: Record, value: SecretValue, stamp: Stamp | None) -> str:
        record.issued += 1
        kept = KeptVersion(str(record.issued), value, _now(), stamp)
        record.versions[kept.id] = kept
        record.updated_at = kept.created_at
        return kept.id

    def _prune(self, record: Record, keep: int) -> None:
        labelled = set(record.stages.values())
        for version in [v for v in record.versions if v not in labelled]:
            if len(record.versions) <= keep:
                return
            del record.versions[version]


def _tombstone(key: str) -> PendingDelete:
    return PendingDelete(
        f"the secret {shown(key)} was deleted and its tombstone holds the name",
        hint="restore or purge it first",
        resource=key,
    )


def _now() -> datetime:
    return datetime.now(UTC)
