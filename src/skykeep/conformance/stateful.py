"""Two drivers held against each other: the same random operations, the same outcomes.

::

    await differential(make_local, make_memory, operations=1000, seed=7)

Operations are data, drawn from a seed; version ids are compared by the order in which they
were issued, times not at all. A difference is shrunk to a short history before it is
reported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from skykeep.conformance.cases import UNKNOWN_VERSION, listed
from skykeep.conformance.operations import Operation, draw
from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_driver import (
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)

Step = TypeVar("Step")
Make = Callable[[], Awaitable[SecretDriver]]
Reopen = Callable[[SecretDriver], Awaitable[SecretDriver]]

_SHRINKING_RUNS = 300


class Difference(AssertionError):
    """Two drivers answered differently.

    Attributes:
        history: a short sequence of operations that shows it; the last one differs.
    """

    def __init__(self, message: str, history: Sequence[Any]) -> None:
        super().__init__(message)
        self.history = tuple(history)


async def differential(
    make_a: Make,
    make_b: Make,
    *,
    operations: int = 1000,
    seed: int = 0,
    reopen_a: Reopen | None = None,
    reopen_b: Reopen | None = None,
) -> None:
    """Hold two drivers against each other; raise :class:`Difference` if they differ.

    After each operation everything that the drivers show of the name is compared too, and
    at the end all listings.

    Args:
        make_a, make_b: open a driver on an empty store; called again for each run of the
            shrinking. The drivers must be able to do the same, and to write.
        operations: how many.
        seed: of the random choice; the same seed gives the same operations.
        reopen_a, reopen_b: close the driver and open its store again; done now and then,
            if given.

    Raises ``ValueError`` if the drivers' capabilities differ.
    """
    a, b = await make_a(), await make_b()
    try:
        _comparable(a.capabilities, b.capabilities)
        history = draw(seed, operations, a.capabilities)
    finally:
        await a.close()
        await b.close()

    async def run(part: Sequence[Operation]) -> tuple[int, str] | None:
        sides = [_Side(await make_a(), reopen_a), _Side(await make_b(), reopen_b)]
        try:
            return await _run(sides, part)
        finally:
            for side in sides:
                await side.driver.close()

    await tell_difference(run, history, seed)


def _comparable(a: SecretCapabilities, b: SecretCapabilities) -> None:
    if a != b:
        raise ValueError(f"the drivers cannot do the same:\n  {a}\n  {b}")
    if not a.write:
        raise ValueError("drivers that cannot write have nothing to compare")


@dataclass
class _Side:
    """One driver and the version ids that it has issued, by name, in order."""

    driver: SecretDriver
    reopen: Reopen | None
    ids: dict[str, list[str]] = field(default_factory=dict)

    def known(self, name: str) -> list[str]:
        key = name if self.driver.capabilities.case_sensitive else name.casefold()
        return self.ids.setdefault(key, [])

    def pick(self, name: str, number: int | None) -> str:
        """The id that was issued as the number-th; None is one that never was."""
        known = self.known(name)
        if number is None or not known:
            return UNKNOWN_VERSION
        return known[number % len(known)]

    def number(self, name: str, version: str | None) -> int | None:
        if version is None:
            return None
        known = self.known(name)
        if version not in known:
            known.append(version)
        return known.index(version)


async def _run(sides: list[_Side], history: Sequence[Operation]) -> tuple[int, str] | None:
    """The index of the first operation that differs, and how; None if none does."""
    for at, step in enumerate(history):
        for what, look in (("it", _do), ("afterwards the secret", _look)):
            seen = [await look(side, step) for side in sides]
            if seen[0] != seen[1]:
                return at, f"{what} differs:\n  a: {seen[0]}\n  b: {seen[1]}"
    for deleted in (False, True):
        if deleted and not sides[0].driver.capabilities.soft_delete:
            continue
        seen = [
            [_plain(side, item.name, _in_list(item)) for item in await _sorted(side, deleted)]
            for side in sides
        ]
        if seen[0] != seen[1]:
            return len(history) - 1, f"the listing differs:\n  a: {seen[0]}\n  b: {seen[1]}"
    return None


async def _sorted(side: _Side, deleted: bool) -> list[SecretInfo]:
    return sorted(
        await listed(side.driver, limit=1000, deleted=deleted), key=lambda item: item.name
    )


async def _do(side: _Side, step: Operation) -> object:
    """Do it on one side; the outcome as plain data that can be compared."""
    if step.kind == "reopen":
        if side.reopen is not None:
            side.driver = await side.reopen(side.driver)
        return None
    version = side.pick(step.name, step.version)
    expects = None if step.expects is None else side.pick(step.name, step.expects)
    try:
        outcome = await step.ask(side.driver, version, expects)
    except SkykeepError as error:
        # The contract leaves it open what a version that was pruned answers.
        pruned = step.kind == "get_version" and type(error).__name__ == "VersionUnavailable"
        return "NotFound" if pruned else type(error).__name__
    if step.kind == "purge" or (
        step.kind == "delete" and not side.driver.capabilities.soft_delete
    ):
        side.known(step.name).clear()
    return _plain(side, step.name, outcome)


async def _look(side: _Side, step: Operation) -> object:
    """Everything that is shown of the name."""
    driver, can, name = side.driver, side.driver.capabilities, step.name
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: driver.describe(name),
        lambda: driver.get(name),
    ]
    if can.versions:
        asked.append(lambda: driver.versions(name))
    if can.stages:
        asked.append(lambda: driver.get(name, stage="previous"))
    seen = []
    for ask in asked:
        try:
            seen.append(_plain(side, name, await ask()))
        except SkykeepError as error:
            seen.append(type(error).__name__)
    return seen


def _plain(side: _Side, name: str, outcome: object) -> object:
    """The outcome without times, its version ids as numbers.

    Values are shown: they are the runner's own, of no worth to anybody.
    """
    match outcome:
        case Written():
            return ("written", side.number(name, outcome.version), outcome.changed)
        case Secret():
            return (
                _folded(side, outcome.name),
                outcome.value.reveal(),
                side.number(name, outcome.version),
                sorted(outcome.stages),
                _kept(outcome),
                outcome.stamp,
            )
        case SecretInfo():
            return (
                _folded(side, outcome.name),
                side.number(outcome.name, outcome.version),
                _kept(outcome),
                outcome.deleted_at is not None,
                outcome.stamp if outcome.deleted_at is None else None,
                outcome.created_at is None
                or outcome.updated_at is None
                or outcome.created_at <= outcome.updated_at,
            )
        case Page():
            return sorted(
                str(_plain(side, item.name, _in_list(item))) for item in outcome.items
            )
        case Version():
            return (side.number(name, outcome.id), sorted(outcome.stages))
        case list() | tuple():
            return [
                _plain(side, name, item)
                for item in outcome
                if not isinstance(item, Version) or item.available
            ]
    return outcome


def _in_list(info: SecretInfo) -> SecretInfo:
    """What every listing tells: the stamp need not be there."""
    return replace(info, stamp=None)


def _folded(side: _Side, name: str) -> str:
    return name if side.driver.capabilities.case_sensitive else name.casefold()


def _kept(found: Secret | SecretInfo) -> tuple[dict[str, str], dict[str, str], int | None]:
    expires = found.expires_at
    return (
        dict(found.metadata),
        dict(found.tags),
        None if expires is None else int(expires.timestamp()),
    )


async def tell_difference(
    run: Callable[[Sequence[Step]], Awaitable[tuple[int, str] | None]],
    history: Sequence[Step],
    seed: int,
) -> None:
    """Run the history; if the sides differ, raise ``Difference`` with a short one that shows
    it. ``run`` says at which step they do and how, or None."""
    found = await run(history)
    if found is None:
        return
    at, what = found
    short, what = await shrunk(run, history[: at + 1], what)
    steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(short, start=1))
    raise Difference(
        f"the drivers differ at operation {at + 1} of seed {seed}; shortest history found:\n"
        f"{steps}\n{what}",
        short,
    )


async def shrunk(
    run: Callable[[Sequence[Step]], Awaitable[tuple[int, str] | None]],
    history: Sequence[Step],
    what: str,
) -> tuple[Sequence[Step], str]:
    """Leave out what the difference does not need, in ever smaller pieces."""
    runs, piece = 0, max(1, len(history) // 2)
    while runs < _SHRINKING_RUNS:
        start, left_out = 0, False
        while start < len(history) and runs < _SHRINKING_RUNS:
            shorter = [*history[:start], *history[start + piece :]]
            runs += 1
            found = await run(shorter) if shorter else None
            if found is None:
                start += piece
            else:
                history, what, left_out = shorter[: found[0] + 1], found[1], True
        if piece == 1 and not left_out:
            break
        piece = max(1, piece // 2)
    return history, what
