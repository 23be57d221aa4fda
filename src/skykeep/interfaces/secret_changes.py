"""What is different from one look at a store to the next. When is in ``secret_watching``.

A look asks the home of each secret and takes nobody else's word: what a replica or a cache
tells may be older than what was seen before. A listing is a hint where to look, no more: some
stores' listings are behind, and what is missing in one may be there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from skykeep.errors import (
    Corrupt,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
    VersionUnavailable,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.paging import Paged
from skykeep.interfaces.secret_driver import Secret, SecretCapabilities, SecretInfo, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.side_by_side import side_by_side

Kind = Literal["created", "changed", "deleted"]

AT_ONCE = 16
"""Looks side by side: they are no hurry, and others use the store, too."""

NO_ANSWER = (Unavailable, Throttled)
"""The store, not the secret."""

PASSING = (*NO_ANSWER, VersionUnavailable, KeyFailure, Corrupt)
"""What does not end a watch: it may pass, or is the trouble of one secret among others."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has happened to one secret between two looks.

    Attributes:
        name: as it was asked for, or as a listing tells it.
        kind: ``created``, ``changed`` (another value is current) or ``deleted``.
        version: the id of the version that is current now; of a deleted one the last that was
            seen. None where the store does not tell.
        secret: the new value; None of a deleted one, and where values were not asked for.
    """

    name: str
    kind: Kind
    version: str | None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """How a look asks: none of these may answer from a cache or a replica unmarked.

    Attributes:
        get: the current value, asked afresh. A replica's answer is ``Unavailable``.
        describe: what is known without the value.
        list: what is under a prefix, by the home's own listing.
        capabilities: what the store can do.
        forget: drops what is cached of a name.
    """

    get: Callable[[str], Awaitable[Secret]]
    describe: Callable[[str], Awaitable[SecretInfo]]
    list: Callable[[str], Paged[SecretInfo]]
    capabilities: Callable[[], Awaitable[SecretCapabilities]]
    forget: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look gave.

    Attributes:
        changes: in the order of the names asked for, then of the listing.
        failures: name -> why it could not be looked at; ``""`` is the store, or the prefix.
    """

    changes: Sequence[Change] = ()
    failures: Mapping[str, SkykeepError] = field(default_factory=dict)


_Found = Secret | SecretInfo | None
"""What a single look finds; None is nothing."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A secret as it was at a look. What is None was not told.

    ``created_at`` is of the secret: one that was made anew may have the same version ids.
    """

    version: str | None
    created_at: datetime | None
    value: SecretValue | None = None
    stamp: Stamp | None = None
    source: str | None = None


class Survey:
    """Some names, a prefix, or both, and how they were at the last look.

    Args:
        source: how it asks.
        names: secrets, there or not.
        prefix: of whole name segments; ``""`` is all; None is none.
        values: read them at each look; else only where nothing but the value tells.
        initial: what is there at the first look is told as ``created``.
    """

    def __init__(
        self,
        source: Source,
        names: Iterable[str],
        prefix: str | None = None,
        *,
        values: bool = True,
        initial: bool = False,
    ) -> None:
        self._source = source
        self._names = dict.fromkeys(names)
        self._prefix = prefix
        self._values = values
        self._initial = initial
        self._can: SecretCapabilities | None = None
        self._known: dict[str, _Seen | None] = {}  # None: it was not there
        self._hints: dict[str, _Seen] = {}  # as the last listing had it that was looked into
        self._unanswered: set[str] = set()  # they were there at first, and are not known yet
        self._listed = False

    def seed(self, secret: Secret) -> None:
        """Take this for what the first look has seen."""
        self._known[secret.name] = _seen(secret, None)

    async def look(self) -> Looked:
        """Look at all. What could not be looked at stays as it was.

        Raises what is no matter of time: ``Denied``, ``Unauthenticated``, ``Invalid``, ….
        """
        failures: dict[str, SkykeepError] = {}
        try:
            can = self._can = self._can or await self._source.capabilities()
        except PASSING as error:
            return Looked(failures={"": _bare(error)})
        listing: dict[str, _Seen] | None = None
        if self._prefix is not None:
            try:
                listing = await self._list(self._prefix)
            except PASSING as error:
                failures[""] = _bare(error)
        suspects = list(self._names)
        taken = listing is not None and self._listing_will_do(can)
        if listing is not None and not taken:
            suspects += self._suspects(listing, can)
        outcomes = await side_by_side(lambda name: self._one(name, can), suspects, AT_ONCE)
        # From here on nothing is waited for: whoever is cancelled has missed nothing.
        changes: list[Change] = []
        for name, found in zip(suspects, outcomes, strict=True):
            hint = None if listing is None else listing.get(name)
            if isinstance(found, SkykeepError):
                failures[name] = found
                if hint is not None and not self._listed:
                    self._unanswered.add(name)
            elif change := self._compared(name, found, hint, by_value=not can.versions):
                changes.append(change)
        if listing is not None:
            changes += self._taken(listing) if taken else ()
            self._listed = True
        for change in changes:
            self._source.forget(change.name)
        return Looked(changes, failures)

    # -- the prefix

    async def _list(self, prefix: str) -> dict[str, _Seen]:
        return {
            info.name: _Seen(info.version, info.created_at)
            async for info in self._source.list(prefix)
            if info.name not in self._names
        }

    def _listing_will_do(self, can: SecretCapabilities) -> bool:
        """Whether what the first listing tells is enough to know a later one by."""
        values = self._values and self._initial
        return not self._listed and can.versions and can.version_in_list and not values

    def _taken(self, listing: Mapping[str, _Seen]) -> list[Change]:
        self._known |= listing
        self._hints |= listing
        if not self._initial:
            return []
        return [Change(name, "created", seen.version) for name, seen in listing.items()]

    def _suspects(self, listing: Mapping[str, _Seen], can: SecretCapabilities) -> list[str]:
        """Those under the prefix that have to be asked for singly."""
        told = can.version_in_list
        found = [
            name
            for name, seen in listing.items()
            if not (told and seen == self._hints.get(name))
        ]
        missing = (self._known.keys() | self._unanswered) - listing.keys() - self._names.keys()
        return [*found, *sorted(missing)]

    # -- one secret

    async def _one(self, name: str, can: SecretCapabilities) -> _Found | SkykeepError:
        try:
            found: Secret | SecretInfo
            if self._values or not can.versions:
                found = await self._source.get(name)
            else:
                found = await self._source.describe(name)
        except NotFound:
            return None
        except PASSING as error:
            return _bare(error)
        where = found.provenance
        if where is not None and (where.stale or where.degraded):
            return Unavailable(
                f"only {where.source} answered for {shown(name)}, which may be behind",
                resource=name,
            )
        if isinstance(found, SecretInfo) and found.deleted_at is not None:
            return None
        return found

    def _compared(
        self, name: str, found: _Found, hint: _Seen | None, *, by_value: bool
    ) -> Change | None:
        asked_for = name in self._names
        first = name in self._unanswered or (
            name not in self._known and (asked_for or not self._listed)
        )
        before = self._known.get(name)
        self._unanswered.discard(name)
        if hint is not None:
            self._hints[name] = hint
        if found is None:
            self._hints.pop(name, None)
            if asked_for:
                self._known[name] = None
            else:
                self._known.pop(name, None)
            if before is None or first:
                return None
            return Change(name, "deleted", before.version)
        now = self._known[name] = _seen(found, hint)
        kind: Kind = "changed" if before is not None else "created"
        if not (self._initial if first else before is None or _differ(before, now, by_value)):
            return None
        secret = found if isinstance(found, Secret) and self._values else None
        return Change(name, kind, now.version, secret)


def _seen(found: Secret | SecretInfo, hint: _Seen | None) -> _Seen:
    source = None if found.provenance is None else found.provenance.source
    value = found.value if isinstance(found, Secret) else None
    created = found.created_at if isinstance(found, SecretInfo) else None
    if hint is not None:
        # One source for what is compared: a listing's times may be coarser than others.
        created = hint.created_at if hint.version == found.version else None
    return _Seen(found.version, created, value, found.stamp, source)


def _differ(before: _Seen, now: _Seen, by_value: bool) -> bool:
    if before.value is not None and now.value is not None:
        if before.value != now.value:  # takes the same time for all values of one length
            return True
        if by_value:
            return False
    if before.source and now.source and before.source != now.source:
        # The home has moved: no two stores issue the same ids.
        if before.stamp is not None and now.stamp is not None:
            return before.stamp != now.stamp
        if before.value is not None and now.value is not None:
            return False
    if before.created_at and now.created_at and before.created_at != now.created_at:
        return True
    return before.version != now.version


E = TypeVar("E", bound=SkykeepError)


def _bare(error: E) -> E:
    """The error without the frames that it passed, which may hold values."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
