"""Writes: the journal, the home target, the caller; the other targets from the journal.

One write of a name at a time on this host. Its home is looked at, the write is kept in the
journal, and goes to its home under compare-and-set with what was seen there. Then it is
acknowledged, and is owed to the others (``journal/replayer.py`` brings it there). A write that
its home did not confirm is in doubt: it stays in the journal, goes nowhere else, and its home,
asked again, settles it. Where the primary is away and ``writes: failover`` is set, the next
target that can be written is the home, until the primary has caught up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from skykeep.errors import Conflict, Denied, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Held, RoutedCall, RoutedNext, Target
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_data import Stamp, Written
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal

T = TypeVar("T")

RACES: Final = 4
"""Times that a write without a condition of its own is begun anew because another host was
quicker."""

Pack = Callable[[SecretCommand], Awaitable[bytes]]
DigestOf = Callable[[SecretCommand], Awaitable[bytes | None]]


class Wakes(Protocol):
    """Who brings what is owed."""

    def wake(self) -> None:
        """There is something to do."""


@dataclass(frozen=True, slots=True)
class _Write(Generic[T]):
    """One write on its way: the call, what it says with its stamp, and its revision."""

    call: Call[T]
    command: SecretCommand
    revision: int


class Replicate:
    """Sends writes to their home and leaves the rest to the journal.

    Args:
        primary: the home of all names, as a rule.
        failover: the targets that may be it while the primary is away; empty refuses.
        others: all targets that get a copy, in any role; the primary is not among them.
        journal: this host's.
        pack: a command's bytes; its value is sealed as for a store, where values are.
        digest: of a command's value, as it stands in stamps; None leaves the stamp out.
        replayer: woken when something is owed.
        seconds: how long a write waits for another one of its name.
    """

    def __init__(
        self,
        primary: Target,
        failover: Sequence[Target],
        others: Sequence[Target],
        journal: Journal,
        *,
        pack: Pack,
        digest: DigestOf,
        replayer: Wakes,
        seconds: float,
    ) -> None:
        self._primary = primary
        self._failover = failover
        self._targets = {each.name: each for each in (primary, *others)}
        self._journal = journal
        self._pack = pack
        self._digest = digest
        self._replayer = replayer
        self._seconds = seconds

    async def __call__(self, call: Call[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer when the home has the write. Raises ``Quota`` where the journal is full, and
        what the home raises; ``Unavailable`` with ``sent`` says that it is in doubt."""
        if not isinstance(call.command, SecretCommand) or not call.command.replicated:
            self._journal.look()
            home = self._home(call.resource)
            self._check_ids(call, home)
            return await next(RoutedCall(call, home))
        # Before the name is held: what digests are made with is a secret, too.
        digest = await self._digest(call.command)
        async with self._journal.hold(call.resource, self._seconds):
            self._journal.look()
            home = self._home(call.resource)
            self._check_ids(call, home)
            revision = self._journal.revision()
            stamp = None if digest is None else Stamp(revision, digest)
            write = _Write(call, call.command.stamped(stamp), revision)
            try:
                answer = await self._write(write, home, next)
            except (Unavailable, Throttled) as error:
                if home is not self._primary or not self._failover or _has_ids(call):
                    _refused(error, home, self._primary)
                    raise
                try:
                    answer = await self._elsewhere(write, error, next)
                except SkykeepError:
                    if isinstance(error, Unavailable) and error.sent:
                        raise error from None  # in doubt: no other target can undo that
                    raise
        self._replayer.wake()
        return answer if answer.source == self._primary.name else replace(answer, degraded=True)

    def _home(self, name: str) -> Target:
        return self._targets[self._journal.home(name, self._primary.name)]

    def _check_ids(self, call: Call[T], home: Target) -> None:
        """Raise ``Conflict`` for version ids that another target has issued."""
        command = call.command
        if not isinstance(command, SecretCommand) or not _has_ids(call):
            return
        issuer = command.at or self._primary.name
        if issuer != home.name:
            raise Conflict(
                f"the version was issued by {issuer}, and writes of this name go to "
                f"{home.name} now",
                hint="read it again",
                target=home.name,
            )

    async def _elsewhere(
        self, write: _Write[T], away: SkykeepError, next: RoutedNext[T]
    ) -> Answer[T]:
        for target in self._failover:
            try:
                return await self._write(write, target, next)
            except (Unavailable, Throttled, Denied) as error:
                if isinstance(error, Unavailable) and error.sent:
                    raise  # in doubt there: a third home would make two of one write
        raise away

    async def _write(self, write: _Write[T], home: Target, next: RoutedNext[T]) -> Answer[T]:
        command = write.command
        last = home is not self._primary or not self._failover
        races = 0
        while True:
            try:
                held = await self._look(write, home, next, last)
            except Unavailable as error:
                error.sent = False  # of the write nothing was
                raise
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
        self, write: _Write[T], home: Target, next: RoutedNext[T], last: bool
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

    async def _begin(self, write: _Write[T], home: Target, held: Held) -> Entry:
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

    async def _seen(self, write: _Write[T], home: Target, next: RoutedNext[T]) -> Held | None:
        """What the home shows now; None if it does not."""
        try:
            now = await self._look(write, home, next, True)
        except SkykeepError:
            return None
        return now if now.known else None

    async def _acknowledged(
        self, write: _Write[T], entry: Entry, home: Target, next: RoutedNext[T]
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
            for before in self._journal.of(command.resource):
                if before.doubt and before.id < entry.id and before.home == home.name:
                    await self._journal.drop(before)  # this one has replaced it
            await self._journal.change(entry, **changes)
            await self._journal.overtaken(entry)
        except SkykeepError:
            pass


def _has_ids(call: Call[Any]) -> bool:
    command = call.command
    return isinstance(command, SecretCommand) and bool(command.version or command.expects)


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


def _applying(write: _Write[T], held: Held) -> Call[T]:
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


def _refused(error: SkykeepError, home: Target, primary: Target) -> None:
    """Say on it what an engineer has to know about where writes of the name go."""
    if home is not primary:
        more = f"writes of this name go to {home.name} until {primary.name} has caught up"
        error.hint = f"{error.hint}; {more}" if error.hint else more
