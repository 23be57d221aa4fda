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
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from skykeep.errors import ConfigError, Conflict, Denied, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Call, RoutedCall, RoutedNext, Target
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_data import Stamp
from skykeep.journal.journal import Journal
from skykeep.layers.home_write import HomeWrite, Pack, Unpack, Write

T = TypeVar("T")

DigestOf = Callable[[SecretCommand], Awaitable[bytes | None]]


class Wakes(Protocol):
    """Who brings what is owed."""

    def wake(self) -> None:
        """There is something to do."""


class Replicate:
    """Sends writes to their home and leaves the rest to the journal.

    Args:
        primary: the home of all names, as a rule.
        failover: the targets that may be it while the primary is away; empty refuses.
        others: all targets that get a copy, in any role; the primary is not among them.
        journal: this host's.
        pack, unpack: a command's bytes, and back; its value is sealed as for a store, where
            values are.
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
        unpack: Unpack,
        digest: DigestOf,
        replayer: Wakes,
        seconds: float,
    ) -> None:
        self._primary = primary
        self._failover = failover
        self._targets = {each.name: each for each in (primary, *others)}
        self._journal = journal
        self._at_home = HomeWrite(journal, self._targets, pack, unpack)
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
            write = self._stamped(call, call.command, digest)
            try:
                last = home is not self._primary or not self._failover
                answer = await self._at_home(write, home, next, last=last)
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

    async def at_primary(self, call: Call[T], next: RoutedNext[T]) -> Answer[T]:
        """Make the primary the home of the name again, by this write, whatever it is owed: for
        a person who has chosen. Raises as a call does."""
        command = call.command
        assert isinstance(command, SecretCommand)  # noqa: S101  (nobody else sends one)
        digest = await self._digest(command)
        async with self._journal.hold(call.resource, self._seconds):
            self._journal.look()
            write = self._stamped(call, command, digest)
            answer = await self._at_home(write, self._primary, next, last=True)
        self._replayer.wake()
        return answer

    def _stamped(self, call: Call[T], command: SecretCommand, digest: bytes | None) -> Write[T]:
        revision = self._journal.revision()
        stamp = None if digest is None else Stamp(revision, digest)
        return Write(call, command.stamped(stamp), revision)

    def _home(self, name: str) -> Target:
        home = self._journal.home(name, self._primary.name)
        if home not in self._targets:
            raise ConfigError(
                f"the last write of this name went to {home}, which is no longer a target",
                hint="bring it to the primary first: skykeep reconcile",
            )
        return self._targets[home]

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
        self, write: Write[T], away: SkykeepError, next: RoutedNext[T]
    ) -> Answer[T]:
        for target in self._failover:
            try:
                return await self._at_home(write, target, next, last=True)
            except (Unavailable, Throttled, Denied) as error:
                if isinstance(error, Unavailable) and error.sent:
                    raise  # in doubt there: a third home would make two of one write
        raise away


def _has_ids(call: Call[Any]) -> bool:
    command = call.command
    return isinstance(command, SecretCommand) and bool(command.version or command.expects)


def _refused(error: SkykeepError, home: Target, primary: Target) -> None:
    """Say on it what an engineer has to know about where writes of the name go."""
    if home is not primary:
        more = f"writes of this name go to {home.name} until {primary.name} has caught up"
    elif isinstance(error, Unavailable) and error.sent:
        return  # in doubt: the error says so
    else:
        more = f"nothing was written; give it again when {primary.name} answers"
    error.hint = f"{error.hint}; {more}" if error.hint else more
