"""A plan carried out: each secret written under compare-and-set, and read back.

What is written is what A holds then, not what it held when the plan was made. Killed at any
moment it leaves whole secrets and nothing else: the next plan has what is still to be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from skykeep.drift.differences import VALUE, Seen, differing
from skykeep.drift.flow import flow
from skykeep.drift.planning import Plan, Step
from skykeep.drift.sides import Course, Fuse, Side, sides
from skykeep.errors import Conflict, Corrupt, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.secret_driver import Secret, SecretCapabilities, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secrets import Secrets

LOOKS = 5
"""A store may show a write late: so often it is read back before that is an error."""

FIRST_WAIT = 0.2
"""Seconds between the first two of them; then twice as long each time."""


@dataclass(slots=True)
class Outcome:
    """What came of a plan.

    Attributes:
        written: steps after which B was read and held what was written.
        failed: the others, each with its error, by name; ``Conflict`` where somebody else had
            written since the plan was made: what they wrote is kept.
        left: those that were not begun, because the store was away or the credentials ended.
    """

    written: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, SkykeepError]] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)


async def carry_out(
    plan: Plan,
    a: Secrets,
    b: Secrets,
    course: Course | None = None,
    *,
    tell: Callable[[Step, SkykeepError | None], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Outcome:
    """Write what is to be written; nothing is deleted.

    An error of one secret does not end the others. ``tell`` is called after each step, with its
    error or None. Where B has no compare-and-set it is read before it is written, so that a
    conflict in between is found by the next comparison instead of prevented. Raises nothing of
    ``skykeep.errors``: it is all in the answer.
    """
    course = course or Course()
    outcome = Outcome()
    from_a, into_b = sides(a, b, course)
    writing = _Writing(from_a, into_b, await b.capabilities(), sleep)

    async def steps() -> AsyncGenerator[Step, None]:
        for step in plan.writes:
            if writing.fuse.blown is None:
                yield step
            else:
                outcome.left.append(step)

    async for step, error in flow(writing.one, steps(), course.at_once):
        if error is None:
            outcome.written.append(step)
        else:
            outcome.failed.append((step, error))
        if tell is not None:
            tell(step, error)
    outcome.written.sort(key=lambda step: step.name)
    outcome.failed.sort(key=lambda found: found[0].name)
    return outcome


class _Writing:
    def __init__(
        self,
        a: Side,
        b: Side,
        can: SecretCapabilities,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._a, self._b, self._can, self._sleep = a, b, can, sleep
        self.fuse = Fuse()

    async def one(self, step: Step) -> tuple[Step, SkykeepError | None]:
        try:
            if VALUE in step.what:
                await self._put(step)
            else:
                expects = step.b.version if step.b is not None else None
                await self._annotate(step, expects=expects)
        except SkykeepError as error:
            self.fuse.failed(error)
            return step, error
        self.fuse.worked()
        return step, None

    async def _put(self, step: Step) -> None:
        value = (await self._a.get(step.name)).value
        doubt: SkykeepError
        try:
            written = await self._write(step, value)
        except (Conflict, Unavailable) as error:
            doubt = error
        else:
            await self._read_back(step.name, value, written)
            return
        # It may have been written all the same: by us, in an answer that was lost, or by
        # somebody else, with the same value. What goes with theirs is not ours to change.
        ours = isinstance(doubt, Unavailable) or step.attributes.empty
        if not ours or not await self._holds(step.name, value):
            raise doubt
        if not step.attributes.empty:
            await self._annotate(step, expects=None)

    async def _write(self, step: Step, value: SecretValue) -> Written:
        given, secrets = step.attributes, self._b.secrets
        if step.b is None:
            return await self._b.ask(
                "write",
                lambda: secrets.create(
                    step.name,
                    value,
                    metadata=given.metadata,
                    tags=given.tags,
                    expires_at=given.expires_at,
                ),
            )
        expects = step.b.version
        if not self._can.compare_and_set:
            await self._check_unchanged(step.name, expects)
            expects = None
        return await self._b.ask(
            "write",
            lambda: secrets.update(
                step.name,
                value,
                expects=expects,
                metadata=given.metadata,
                tags=given.tags,
                expires_at=given.expires_at,
            ),
        )

    async def _check_unchanged(self, name: str, version: str | None) -> None:
        now = (await self._b.get(name)).version
        if version is not None and now != version:
            raise Conflict(
                f"version {now} is current, and it was {version} when the plan was made",
                hint="nothing was written; run it again",
            )

    async def _annotate(self, step: Step, *, expects: str | None) -> None:
        given = step.attributes
        await self._b.ask(
            "write",
            lambda: self._b.secrets.annotate(
                step.name,
                metadata=given.metadata,
                tags=given.tags,
                expires_at=given.expires_at,
                expects=expects if self._can.conditional_changes else None,
            ),
        )
        info = await self._b.describe(step.name)
        found = Seen.of(info, self._b.secrets.standing_tags)
        if wrong := differing(step.a, found, step.what):
            raise Corrupt(f"B was given {' and '.join(wrong)} and tells others")

    async def _holds(self, name: str, value: SecretValue) -> bool:
        try:
            return (await self._b.get(name)).value == value
        except NotFound:
            return False

    async def _read_back(self, name: str, value: SecretValue, written: Written) -> None:
        """Raises ``Conflict`` if another version is current, ``Corrupt`` if another value is
        in the one that was written."""
        found: Secret | None = None
        wait = FIRST_WAIT
        for look in range(LOOKS):
            if look:
                await self._sleep(wait)
                wait *= 2
            try:
                found = await self._b.get(name)
            except NotFound:
                continue
            if found.value == value:
                return
            if found.version == written.version:
                raise Corrupt("B gives back another value than it was given")
        if found is None:
            raise Unavailable("B was given it and does not show it", hint="compare again")
        raise Conflict(
            f"version {found.version} is current, and {written.version} was written",
            hint="somebody wrote it meanwhile: theirs is kept, ours is in the history",
        )
