"""One write at its home: looked at, journaled, written under compare-and-set, acknowledged.

A write that its home did not confirm stays in the journal, in doubt. That an answer was lost is
looked into at once: if the home shows the write, it was done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from skykeep.errors import Conflict, SkykeepError, Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Held, RoutedCall, RoutedNext, Target
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_data import Written
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.joining import inherited, joinable
from skykeep.journal.journal import Journal

T = TypeVar("T")

RACES: Final = 4
"""Times that a write without a condition of its own is begun anew because another host was
quicker."""

Pack = Callable[[SecretCommand], Awaitable[bytes]]
Unpack = Callable[[bytes], Awaitable[SecretCommand]]


@dataclass(frozen=True, slots=True)
class Write(Generic[T]):
    """A write on its way: the call, what it says with its stamp, and its revision."""

    call: Call[T]
    command: SecretCommand
    revision: int


class HomeWrite:
    """Makes writes at their home. Whoever calls holds the name.

    Args:
        journal: this host's.
        targets: the names of all targets.
        pack, unpack: a command's bytes in the journal, and back.
    """

    def __init__(
        self, journal: Journal, targets: Collection[str], pack: Pack, unpack: Unpack
    ) -> None:
        self._journal = journal
        self._targets = targets
        self._pack = pack
        self._unpack = unpack

    async def __call__(
        self, write: Write[T], home: Target, next: RoutedNext[T], *, last: bool
    ) -> Answer[T]:
        """The home's answer. ``last``: no other target will be asked.

        Raises ``Quota`` where the journal is full, and what the home raises; ``Unavailable``
        says by ``sent`` whether it is in doubt.
        """
        command = write.command
        races = 0
        while True:
            try:
                held = await self._look(write, home, next, last)
            except Unavailable as error:
                error.sent = False  # of the write nothing was
                raise
            command.check_seen(held)
            entry = await self._begin(write, home, held)
            try:
                answer = await next(RoutedCall(_applying(write, held), home, last))
            except Conflict as error:
                # With whom? An earlier try of this write may be what is there.
                now = await self._seen(write, home, next)
                found = None if now is None else _done(command, home, held, now)
                if now is None:
                    raise _doubtful(error) from None  # and in the journal
                if found is None:
                    await self._journal.drop(entry)
                    races += 1
                    if races == RACES or not _repeats(command):
                        raise
                    continue  # it was another host: what it wrote is what this one replaces
                answer = found
            except Unavailable as error:
                if not error.sent:
                    await self._journal.drop(entry)
                    raise
                now = await self._seen(write, home, next)
                found = None if now is None else _done(command, home, held, now)
                if found is None:
                    raise  # in doubt, and in the journal
                answer = found
            except SkykeepError:
                await self._journal.drop(entry)  # its home's answer: it did not do it
                raise
            await self._acknowledged(write, entry, home, next)
            return answer

    async def _look(
        self, write: Write[T], home: Target, next: RoutedNext[T], last: bool
    ) -> Held:
        call = write.call
        looking: Call[Any] = Call(
            call.operation,
            call.resource,
            Effect.READ,
            write.command.look,
            idempotent=True,
            principal=call.principal,
            trace=call.trace,
        )
        ask: RoutedNext[Any] = next
        held: Held = (await ask(RoutedCall(looking, home, last))).value
        return held

    async def _begin(self, write: Write[T], home: Target, held: Held) -> Entry:
        command = write.command
        entry = Entry(
            name=command.resource,
            brings=_brings(command),
            home=home.name,
            made=self._journal.clock(),
            ticks=self._journal.ticks(),
            boot=self._journal.boot,
            revision=write.revision,
            command=await self._pack(command),
            digest=command.digest,
            base=held.digest,
            base_known=held.known,
        )
        return await self._journal.begin(entry)

    async def _seen(self, write: Write[T], home: Target, next: RoutedNext[T]) -> Held | None:
        """What the home shows now; None if it does not."""
        try:
            now = await self._look(write, home, next, True)
        except SkykeepError:
            return None
        return now if now.known else None

    async def _acknowledged(
        self, write: Write[T], entry: Entry, home: Target, next: RoutedNext[T]
    ) -> None:
        """The home has it. Nothing that fails from here on undoes that: a record that still
        says that it is in doubt is settled by its home."""
        command = write.command
        owed = tuple(name for name in self._targets if name != home.name)
        changes: dict[str, Any] = {"doubt": False, "owed": owed}
        try:
            if command.follows:
                found = await self._look(write, home, next, True)
                if found.digest is not None:
                    followed = replace(command, kind="put", value=found.answer.value)
                    changes["command"] = await self._pack(followed)
                    changes |= {"digest": found.digest, "brings": Brings.VALUE}
            changes |= inherited(self._journal, entry, owed)
            replaced = [
                each
                for each in self._journal.of(command.resource)
                if each.doubt and each.id < entry.id and each.home == home.name
            ]
            before = joinable(self._journal, entry, changes, replaced)
            if before is not None and not command.follows:  # that one says all there is to say
                said = (await self._unpack(before.command)).attributes
                changes["command"] = await self._pack(command.after(said))
            # First, or a death in between takes with them since when the others are behind.
            await self._journal.change(entry, **changes)
            for each in replaced if before is None else (*replaced, before):
                await self._journal.drop(each)
            await self._journal.overtaken(entry)
        except SkykeepError:
            pass


def _done(command: SecretCommand, home: Target, held: Held, now: Held) -> Answer[Any] | None:
    """The answer of a write whose own answer was lost, if its home shows that it was done."""
    if not held.known or now.digest == held.digest:
        return None
    if command.value is not None and now.digest == command.digest:
        return Answer(Written(now.version or "", True), home.name)
    if command.deletes and now.digest is None:
        return Answer(None, home.name)
    return None


def _repeats(command: SecretCommand) -> bool:
    """Whether a write that another host overtook is made again, over what is there now."""
    return command.expects is None and command.kind not in {"create", "restore"}


def _doubtful(error: SkykeepError) -> Unavailable:
    """A refusal that may be of the second try of what the first had done."""
    return Unavailable(
        f"its outcome is not known: {error.message}",
        hint="read before you write again",
        target=error.target,
    )


def _applying(write: Write[T], held: Held) -> Call[T]:
    async def send(target: Target) -> Any:
        return await write.command.apply(target, held)

    # Under compare-and-set a second try of what was done is a conflict, and is looked into.
    return replace(write.call, send=send, command=None)


def _brings(command: SecretCommand) -> Brings:
    if command.follows:
        return Brings.HOMES
    if command.deletes:
        return Brings.NOTHING
    return Brings.SAME if command.value is None else Brings.VALUE
