"""What would have to be written so that B holds what A holds, decided before anything is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from skykeep.drift.comparing import compare
from skykeep.drift.differences import (
    ATTRIBUTES,
    VALUE,
    Difference,
    Kind,
    Seen,
    is_text,
    kept_by,
)
from skykeep.drift.flow import flow
from skykeep.drift.sides import Course, Fuse, Side, sides
from skykeep.errors import Denied, Invalid, NotFound, SkykeepError, Unsupported
from skykeep.interfaces.names import is_native
from skykeep.interfaces.secret_driver import Attributes, SecretCapabilities
from skykeep.interfaces.secrets import Secrets

Action = Literal["create", "update", "same", "skip"]
ACTIONS: Final[tuple[Action, ...]] = ("create", "update", "same", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done with one secret of A.

    Attributes:
        name: the portable name.
        action: ``create`` or ``update`` it in B, leave it as it is (``same``), or ``skip`` it.
        what: the parts that are written, of ``value``, ``metadata``, ``tags``, ``expires_at``.
        without: the parts that A has and B cannot keep.
        reason: why it is skipped, or what is to be known before it is written; else ``""``.
        a, b: what was seen of it; ``b`` is None where it is not in B.
        error: the error for which it is skipped, if it was one.
    """

    name: str
    action: Action
    a: Seen
    b: Seen | None
    what: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    reason: str = ""
    error: SkykeepError | None = field(default=None, compare=False, repr=False)

    @property
    def attributes(self) -> Attributes:
        """What is written besides the value."""
        given: dict[str, Any] = {
            part: getattr(self.a, part) for part in self.what if part != VALUE
        }
        return Attributes(**given)


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps from A to B, by name.

    Attributes:
        steps: one for each secret of A.
        only_in_b: the names that A does not have. They are left as they are.
    """

    steps: tuple[Step, ...]
    only_in_b: tuple[str, ...]

    @property
    def writes(self) -> tuple[Step, ...]:
        """Those that write."""
        return tuple(step for step in self.steps if step.action in {"create", "update"})

    @property
    def skipped(self) -> tuple[Step, ...]:
        """Those that B will not hold as A does."""
        return tuple(step for step in self.steps if step.action == "skip")

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each action."""
        found = dict.fromkeys((str(action) for action in ACTIONS), 0)
        for step in self.steps:
            found[step.action] += 1
        return found


async def plan(
    a: Secrets,
    b: Secrets,
    prefix: str = "",
    course: Course | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Compare the stores and decide what is to be done with each secret.

    A secret that could not be compared is skipped: it is never overwritten for want of a right
    to read it. Values are not kept. ``progress`` is told how many names were decided.

    Raises as ``compare``; ``Unsupported`` if B cannot be written.
    """
    course = course or Course()
    from_a, into_b = sides(a, b, course)
    deciding = _Deciding(from_a, into_b, await a.capabilities(), await b.capabilities())
    if not deciding.can_b.write:
        raise Unsupported("the store that is to be written is only read", hint="swap A and B")
    steps: list[Step] = []
    only_in_b: list[str] = []
    decided = flow(deciding.step, compare(a, b, prefix, course), course.at_once)
    async with aclosing(decided):
        async for found in decided:
            if deciding.fuse.blown is not None:
                raise deciding.fuse.blown
            if isinstance(found, Step):
                steps.append(found)
            else:
                only_in_b.append(found)
            if progress is not None:
                progress(len(steps) + len(only_in_b))
    steps.sort(key=lambda step: step.name)
    return Plan(tuple(steps), tuple(sorted(only_in_b)))


class _Deciding:
    def __init__(
        self, a: Side, b: Side, can_a: SecretCapabilities, can_b: SecretCapabilities
    ) -> None:
        self._a, self._b, self._can_a, self.can_b = a, b, can_a, can_b
        self._kept = kept_by(can_b)
        self.fuse = Fuse()

    async def step(self, found: Difference) -> Step | str:
        """What is to be done; the name alone if there is nothing in A."""
        if found.a is None:
            return found.name
        step = self._drafted(found, found.a)
        try:
            if step.action == "create":
                step = await self._creatable(step)
            if VALUE in step.what:
                step = await self._fitting(step)
        except SkykeepError as error:
            self.fuse.failed(error)
            return _skipped(step, error.message, error)
        self.fuse.worked()
        return step

    def _drafted(self, found: Difference, a: Seen) -> Step:
        has = tuple(part for part in ATTRIBUTES if getattr(a, part))
        step = Step(
            name=found.name,
            action="same",
            a=a,
            b=found.b,
            without=tuple(part for part in has if part not in self._kept),
        )
        match found.kind:
            case Kind.UNKNOWN:
                return _skipped(step, found.reason, found.error)
            case Kind.ONLY_IN_A if is_native(found.name):
                return _skipped(step, "its name is the store's own, no portable one")
            case Kind.ONLY_IN_A:
                what = (VALUE, *(part for part in has if part in self._kept))
                return replace(step, action="create", what=what)
            case Kind.DIFFERS:
                reason = "the value in B is newer" if found.newer == "b" else ""
                return replace(step, action="update", what=found.what, reason=reason)
        return step

    async def _creatable(self, step: Step) -> Step:
        """B is asked for the name itself: listings may be behind, and do not show all."""
        try:
            there = await self._b.describe(step.name)
        except (NotFound, Denied):
            return step  # whoever may not ask may still be allowed to write
        except Invalid as error:
            return _skipped(step, f"B cannot carry the name: {error.message}", error)
        if there.deleted_at is not None:
            return _skipped(step, "in B a deleted secret has the name: restore or purge it")
        return _skipped(step, "it is in B, whose listing does not show it yet: run it again")

    async def _fitting(self, step: Step) -> Step:
        """B's limits of values. What A could not hold either is not read for it."""
        a, b = self._can_a, self.can_b
        limits = (b.max_value_bytes, b.max_binary_bytes or b.max_value_bytes)
        roomy = min(limits) >= a.max_value_bytes and (b.empty_values or not a.empty_values)
        if roomy:
            return step
        size, binary = step.a.size, step.a.binary
        if size is None:
            value = (await self._a.get(step.name)).value
            size, binary = value.size, not is_text(value)
            del value
        if size == 0 and not b.empty_values:
            return _skipped(step, "B keeps no empty value")
        most = limits[1] if binary else limits[0]
        if size > most:
            kind = "of binary values " if most != limits[0] else ""
            return _skipped(step, f"it has {size:,} bytes; B keeps {kind}at most {most:,}")
        return step


def _skipped(step: Step, reason: str, error: SkykeepError | None = None) -> Step:
    return replace(step, action="skip", what=(), without=(), reason=reason, error=error)
