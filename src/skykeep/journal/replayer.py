"""Brings each target what it is owed, and settles what is in doubt.

For a target and the writes of a name that it is owed: it holds what they come to: done. It
holds what was there before the first of them, or one of them: they are applied under
compare-and-set. Something else in the primary is a conflict: both sides stay, and a person
chooses. Something else in another target: the home is asked, and what it holds is brought
there; while it is away, nothing is. That the home has no such secret deletes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from skykeep.errors import Conflict, Denied, NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Call, Effect, Held, RoutedCall, RoutedNext, Target
from skykeep.interfaces.secret_command import SecretCommand, look
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_replay import Wanted, bring, fold, of_home, says
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.joining import inherited
from skykeep.journal.journal import SETTLES_AFTER, Journal

logger = logging.getLogger("skykeep")

AWAY: Final = (Unavailable, Throttled)
AT_ONCE: Final = 16
"""Names that are brought on side by side."""
PATIENCE: Final = 1.0
"""Seconds that a replay waits for a write of the name that is under way; then it comes back."""

Allows = Callable[[Target, Call[Any]], Awaitable[bool]]
Unpack = Callable[[bytes], Awaitable[SecretCommand]]


@dataclass(slots=True)
class Replayed:
    """What one round did.

    Attributes:
        brought: writes that a target has got now, by the target's name.
        settled: writes that were in doubt and are no longer.
        owed: writes that are still owed, by the target's name.
        conflicts: of these, the names that wait for a person.
        away: targets that could not be asked, and why.
    """

    brought: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    owed: dict[str, int] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)


class Replayer:
    """Replays the journal of one environment.

    Args:
        journal: this host's.
        targets: the primary first, then all that get copies.
        below: the layers below the router.
        unpack: a command of its bytes.
        allows: whether residency lets a name be at a target; None lets all be anywhere.
        every: seconds between rounds while something is owed.
    """

    def __init__(
        self,
        journal: Journal,
        targets: Sequence[Target],
        below: RoutedNext[Any],
        unpack: Unpack,
        every: float,
        *,
        allows: Allows | None = None,
    ) -> None:
        self._journal = journal
        self._targets: Mapping[str, Target] = {each.name: each for each in targets}
        self._primary = targets[0].name
        self._below = below
        self._unpack = unpack
        self._allows = allows
        self._every = every
        self._woken: asyncio.Event | None = None
        self._refused: dict[str, list[tuple[str, str]]] = {}  # of this round, by target

    def wake(self) -> None:
        """There is something to do: do not wait for the next round."""
        if self._woken is not None:
            self._woken.set()

    async def serve(self) -> None:
        """Replay whenever something is owed, until cancelled.

        It begins by waiting: a program that reads one secret and ends leaves that to others.
        """
        self._woken = woken = asyncio.Event()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await woken.wait()
            woken.clear()
            try:
                await self.replay()
            except SkykeepError as error:
                logger.warning("the journal cannot be replayed: %s", error)

    async def replay(self) -> Replayed:
        """One round: every name, every target that is owed something and answers."""
        self._journal.look()
        done = Replayed()
        self._refused = {}
        if len(self._journal):
            await side_by_side(
                lambda name: self._name(name, done), self._journal.names(), AT_ONCE
            )
        for target, those in self._refused.items():
            name, why = those[0]
            more = f", and {len(those) - 1} more" if len(those) > 1 else ""
            logger.warning("%s%s is not brought to %s: %s", name, more, target, why)
        for entry in self._journal:
            for target in entry.owed:
                done.owed[target] = done.owed.get(target, 0) + 1
            if entry.stuck and entry.name not in done.conflicts:
                done.conflicts.append(entry.name)
        return done

    async def _name(self, name: str, done: Replayed) -> None:
        try:
            async with self._journal.hold(name, PATIENCE):
                self._journal.look()
                await self._settle(name, done)
                owed = dict.fromkeys(t for each in self._journal.of(name) for t in each.owed)
                # The primary last: that it is away is why most writes are owed, and who
                # waits for it in vain keeps the others waiting.
                for target in sorted(owed, key=lambda each: each == self._primary):
                    if target not in done.away and target in self._targets:
                        await self._target(name, self._targets[target], done)
        except Unavailable:
            return  # it is being written: the next round sees what became of it

    async def _target(self, name: str, target: Target, done: Replayed) -> None:
        entries = [each for each in self._journal.of(name) if target.name in each.owed]
        fresh, refused = self._not_replaced(name, target, entries), self._refused
        try:
            if fresh and await self._allowed(name, target):
                why = await self._bring(name, target, fresh)
            else:
                why = None  # it has a later one, or must never have it
        except AWAY as error:
            done.away[target.name] = str(error)
            return
        except Conflict:
            return  # it changed since we looked: the next round looks again
        except SkykeepError as error:
            why = f"{type(error).__name__}: {error}"
        for entry in entries:
            if why is None:
                await self._journal.brought(entry, target.name)
                done.brought[target.name] = done.brought.get(target.name, 0) + 1
            elif entry.stuck.get(target.name) != why:
                refused.setdefault(target.name, []).append((name, why))
                await self._journal.change(entry, stuck={**entry.stuck, target.name: why})
        if why is None:
            for entry in self._journal.of(name):
                if entry.doubt and entry.home == target.name and entry.id < entries[-1].id:
                    await self._journal.drop(entry)  # it was replaced there just now
                    done.settled += 1

    async def _allowed(self, name: str, target: Target) -> bool:
        if self._allows is None:
            return True
        call: Call[Any] = Call("secrets.replay", name, Effect.WRITE, _nothing)
        return await self._allows(target, call)

    def _not_replaced(
        self, name: str, target: Target, entries: Sequence[Entry]
    ) -> Sequence[Entry]:
        """Those after the last write that had the target as its home."""
        own = [e.id for e in self._journal.of(name) if e.home == target.name and not e.doubt]
        return [each for each in entries if each.id > max(own, default=0)]

    async def _bring(self, name: str, target: Target, entries: Sequence[Entry]) -> str | None:
        """None if the target needs nothing any more, else why a person has to decide."""
        wanted = fold([await self._unpack(each.command) for each in entries])
        held = await self._look(name, target)
        bases = self._bases(name, target, entries)
        if (
            not wanted.open
            and held.known
            and (held.digest == wanted.digest or held.digest in bases)
        ):
            await self._apply(name, target, wanted, held)
            return None
        if target.name == self._primary:
            return _conflict(held)
        home = self._targets.get(at := self._journal.home(name, self._primary))
        if home is None:
            return f"{at}, where it was written last, is no longer a target"
        there = await self._look(name, home)
        if not there.known:
            return f"{home.name} does not show what it holds"
        if there.digest is not None and (wanted.open or there.digest != wanted.digest):
            wanted = of_home(there, wanted.tags)
        elif there.digest is None and wanted.gone is None:
            return None  # others deleted it there since: that is theirs to bring
        await self._apply(name, target, wanted, held)
        return None

    def _bases(self, name: str, target: Target, entries: Sequence[Entry]) -> set[bytes | None]:
        """What the target may hold if nobody else has written to it."""
        first = entries[0]
        bases: set[bytes | None] = {first.base} if first.base_known else set()
        bases.update(*(each.also for each in entries))
        for each in self._journal.of(name):
            # What a later write left there is no base: it is what is to stay.
            earlier = each.id < entries[-1].id
            ours = each in entries or (earlier and each.home == target.name)
            if ours and (each.digest is not None or each.brings is Brings.NOTHING):
                bases.add(each.digest)
        return bases

    async def _settle(self, name: str, done: Replayed) -> None:
        """Let the home of each write in doubt decide. The name is held: nobody writes it."""
        entries = self._journal.of(name)
        for at, entry in enumerate(entries):
            if not entry.doubt or entry.home not in self._targets:
                continue
            later = [each for each in entries[at + 1 :] if not each.doubt]
            if any(entry.home in each.owed for each in later):
                continue  # it tells what that target may hold, until it has caught up
            if later:
                await self._journal.drop(entry)
                done.settled += 1
                continue
            try:
                await self._ask_home(entry, done)
            except AWAY as error:
                done.away[entry.home] = str(error)
            except SkykeepError as error:
                logger.warning("%s is in doubt: %s: %s", name, entry.home, error)

    async def _ask_home(self, entry: Entry, done: Replayed) -> None:
        home = self._targets[entry.home]
        held = await self._look(entry.name, home)
        if not held.known:
            return
        owed = tuple(each for each in self._targets if each != entry.home)
        if await self._done(entry, home, held):
            more = inherited(self._journal, entry, owed)
            await self._journal.change(entry, doubt=False, owed=owed, **more)
            await self._journal.overtaken(entry)
        elif self._journal.age(entry) > SETTLES_AFTER:
            await self._journal.drop(entry)
        else:
            return
        done.settled += 1

    async def _done(self, entry: Entry, home: Target, held: Held) -> bool:
        """Whether the home shows that it has executed the write."""
        if entry.brings is Brings.VALUE:
            return held.digest == entry.digest
        if entry.brings is Brings.NOTHING:
            return held.digest is None and entry.base is not None
        if entry.brings is Brings.HOMES:
            return held.digest is not None and held.digest != entry.base
        command = await self._unpack(entry.command)

        async def describe(target: Target) -> bool:
            driver: SecretDriver = await target.driver("secrets")
            try:
                return says(await driver.describe(entry.name), command.attributes)
            except (NotFound, Denied):
                return False

        return bool(await self._call("secrets.describe", entry.name, describe, home))

    async def _look(self, name: str, target: Target) -> Held:
        held: Held = await self._call(
            "secrets.get", name, lambda target: look(target, name), target
        )
        return held

    async def _apply(self, name: str, target: Target, wanted: Wanted, held: Held) -> None:
        size = 0 if wanted.value is None else wanted.value.size
        await self._call(
            "secrets.replay",
            name,
            lambda target: bring(target, name, wanted, held),
            target,
            effect=Effect.WRITE,
            size=size,
        )

    async def _call(
        self,
        operation: str,
        name: str,
        send: Callable[[Target], Awaitable[Any]],
        target: Target,
        *,
        effect: Effect = Effect.READ,
        size: int = 0,
    ) -> Any:
        call = Call(operation, name, effect, send, idempotent=True, size=size)
        # Not the last: a target that does not answer is asked again in the next round.
        return (await self._below(RoutedCall(call, target, last=False))).value


async def _nothing(target: Target) -> None:
    """The call that is only asked about."""


def _conflict(held: Held) -> str:
    if not held.known:
        return "conflict: it does not show what it holds"
    if held.digest is None:
        return "conflict: it holds nothing, and held something when the write was made"
    return "conflict: others have written to it since"
