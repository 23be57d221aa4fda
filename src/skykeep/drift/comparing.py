"""Which secrets two stores hold, and whether they hold the same."""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Literal

from skykeep.drift.differences import VALUE, Difference, Kind, Seen, differing, is_text, kept_by
from skykeep.drift.flow import flow
from skykeep.drift.sides import Course, Fuse, Side, sides
from skykeep.envelope.digests import hmac_sha256
from skykeep.errors import NotFound, SkykeepError
from skykeep.interfaces.secret_driver import Secret, SecretCapabilities, Stamp
from skykeep.interfaces.secrets import Secrets
from skykeep.replication.digests import NAME

SHOWN_BYTES = 4
"""Of a digest: enough to tell two values apart by eye."""

APART: Final = frozenset({NAME})
"""What each environment has of its own, and no other ever gets: the key of its digests."""

_Pair = tuple[str, Seen | None, Seen | None]


async def compare(
    a: Secrets, b: Secrets, prefix: str = "", course: Course | None = None
) -> AsyncGenerator[Difference, None]:
    """Each secret under a prefix that either store holds, in no order; the same ones, too.

    Both are listed, and what both hold is compared: by stamps where ``Course`` says that they
    can be, else by reading both values. Metadata, tags and expiry are compared where both
    stores keep them. In memory are the names, what A's listing says of those that B's has not
    come to, and at most ``course.at_once`` pairs of values.

    What cannot be read is ``unknown`` and the others go on. Raises what makes all of them fail:
    a listing that fails, credentials that ended, a store that is away.
    """
    course = course or Course()
    comparing = _Comparing(*sides(a, b, course), await a.capabilities(), await b.capabilities())
    comparing.apart = frozenset() if course.one_environment else APART
    comparing.by_stamps = (
        course.one_environment and comparing.can_a.stamps and comparing.can_b.stamps
    )
    found = flow(comparing.one, comparing.pairs(prefix), course.at_once)
    async with aclosing(found):
        async for difference in found:
            if comparing.fuse.blown is not None:
                raise comparing.fuse.blown
            yield difference


class _Comparing:
    def __init__(
        self, a: Side, b: Side, can_a: SecretCapabilities, can_b: SecretCapabilities
    ) -> None:
        self.a, self.b, self.can_a, self.can_b = a, b, can_a, can_b
        self.by_stamps = False
        self.apart: frozenset[str] = APART
        self.fuse = Fuse()
        kept = kept_by(can_b)
        self._parts = tuple(part for part in kept_by(can_a) if part in kept)
        self._key = os.urandom(32)

    async def pairs(self, prefix: str) -> AsyncGenerator[_Pair, None]:
        """Each name once, with what the listings say."""
        names: dict[str, tuple[str, Seen] | None] = {}
        twice: list[tuple[str, Seen]] = []
        standing = self.a.secrets.standing_tags
        async for info in self.a.list(prefix):
            if info.name in self.apart:
                continue
            key = self._folded(info.name)
            seen = Seen.of(info, standing)
            there = names.setdefault(key, (info.name, seen))
            if there is not None and there[0] != info.name:
                twice.append((info.name, seen))
        standing = self.b.secrets.standing_tags
        async for info in self.b.list(prefix):
            if info.name in self.apart:
                continue
            key = self._folded(info.name)
            told, found = key in names, names.get(key)
            names[key] = None  # written meanwhile, it may be listed again
            if found is not None:
                yield *found, Seen.of(info, standing)
            elif not told:
                yield info.name, None, Seen.of(info, standing)
        for found in names.values():
            if found is not None:
                yield *found, None
        for name, seen in twice:
            yield name, seen, None

    def _folded(self, name: str) -> str:
        return name if self.can_b.case_sensitive else name.casefold()

    async def one(self, pair: _Pair) -> Difference:
        """How they stand in it."""
        name, a, b = pair
        if a is None:
            return Difference(name, Kind.ONLY_IN_B, a, b)
        if b is None:
            return Difference(name, Kind.ONLY_IN_A, a, b)
        side = "A"
        try:
            if self.by_stamps:
                a = await self._stamped(self.a, name, a)
                if a.stamp is not None:
                    side = "B"
                    b = await self._stamped(self.b, name, b)
                    if b.stamp is not None:
                        return self._by_stamps(name, a, b, a.stamp, b.stamp)
                    side = "A"
            of_a = await self.a.get(name)
            side = "B"
            of_b = await self.b.get(name)
        except SkykeepError as error:
            return self._unknown(name, a, b, side, error)
        self.fuse.worked()
        same = of_a.value == of_b.value
        return self._told(name, self._read(a, of_a), self._read(b, of_b), same=same)

    async def _stamped(self, side: Side, name: str, seen: Seen) -> Seen:
        """With the stamp that ``describe`` tells, if the listing told none."""
        if seen.stamp is not None and seen.version is not None:
            return seen
        info = await side.describe(name)
        if info.deleted_at is not None:
            raise NotFound("it was deleted", resource=name)
        return Seen.of(info, side.secrets.standing_tags)

    def _by_stamps(self, name: str, a: Seen, b: Seen, of_a: Stamp, of_b: Stamp) -> Difference:
        self.fuse.worked()
        same = hmac.compare_digest(of_a.digest, of_b.digest)
        return self._told(name, a, b, same=same)

    def _told(self, name: str, a: Seen, b: Seen, *, same: bool) -> Difference:
        what = (() if same else (VALUE,)) + differing(a, b, self._parts)
        newer: Literal["a", "b"] | None = None
        if not same and a.stamp and b.stamp and a.stamp.revision != b.stamp.revision:
            newer = "a" if a.stamp.revision > b.stamp.revision else "b"
        kind = Kind.DIFFERS if what else Kind.SAME
        return Difference(name, kind, a, b, what, newer)

    def _read(self, seen: Seen, secret: Secret) -> Seen:
        value = secret.value
        return replace(
            seen,
            version=secret.version,
            changed_at=secret.created_at or seen.changed_at,
            stamp=secret.stamp or seen.stamp,
            digest=hmac_sha256(self._key, value.reveal())[:SHOWN_BYTES].hex(),
            size=value.size,
            binary=not is_text(value),
        )

    def _unknown(
        self, name: str, a: Seen, b: Seen, side: str, error: SkykeepError
    ) -> Difference:
        self.fuse.failed(error)
        reason = f"{side}: {error.message}"
        if isinstance(error, NotFound):
            reason = f"{side} listed it and did not find it: it may just have been deleted"
        return Difference(name, Kind.UNKNOWN, a, b, (), None, reason, error)
