"""Many transfers side by side: so many at once, and what failed is told at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from skykeep.apps.cli.transfers.uploading import SMALL
from skykeep.errors import (
    ConfigError,
    KeyFailure,
    MissingExtra,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)

T = TypeVar("T")
A = TypeVar("A")

LARGE_AT_ONCE: Final = 2
"""Bodies of several parts at once: each has up to 40 MiB in memory."""

_OF_ALL = (
    ConfigError,
    KeyFailure,
    MissingExtra,
    Quota,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
"""What one transfer fails of, the others would fail of as well: none is begun after it."""


@dataclass(frozen=True, slots=True)
class Failed(Generic[A]):
    """One that failed."""

    given: A
    error: SkykeepError


async def together(
    work: Callable[[A], Awaitable[T]],
    given: Sequence[A],
    *,
    jobs: int,
    size_of: Callable[[A], int],
    ended: Callable[[A, T], None],
) -> list[Failed[A]]:
    """Do the work with each; those that failed, in their order.

    ``ended`` is told of those that did not, in their order, as soon as those before them have
    ended. Nothing is begun any more after a failure that the rest would share.
    """
    outcomes: dict[int, T | Failed[A]] = {}
    told = 0
    places = iter(range(len(given)))
    large = asyncio.Semaphore(min(LARGE_AT_ONCE, jobs))
    stopped = False

    async def one(place: int) -> None:
        nonlocal stopped
        argument = given[place]
        try:
            if size_of(argument) > SMALL:
                async with large:
                    outcomes[place] = await work(argument)
            else:
                outcomes[place] = await work(argument)
        except SkykeepError as error:
            outcomes[place] = Failed(argument, error)
            stopped = stopped or isinstance(error, _OF_ALL)

    def tell() -> None:
        nonlocal told
        while told in outcomes:
            outcome = outcomes[told]
            if not isinstance(outcome, Failed):
                ended(given[told], outcome)
                del outcomes[told]  # a million of them would fill the memory
            told += 1

    async def worker() -> None:
        for place in places:
            await one(place)
            tell()
            if stopped:
                return

    workers = [asyncio.ensure_future(worker()) for _ in range(min(jobs, len(given)))]
    try:
        await asyncio.gather(*workers)
    except BaseException:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        raise
    finally:
        for place in sorted(outcomes):  # those after one that never began
            outcome = outcomes[place]
            if place >= told and not isinstance(outcome, Failed):
                ended(given[place], outcome)
    failed = [outcomes[place] for place in sorted(outcomes)]
    return [one for one in failed if isinstance(one, Failed)]


def raise_failed(failed: Sequence[Failed[A]], of: int, name: Callable[[A], str]) -> None:
    """Raise what failed, as one error of the class of the first; nothing if nothing did."""
    if not failed:
        return
    first = failed[0].error
    if of == 1:
        raise first
    first.message = (
        f"{len(failed):,} of {of:,} were not copied; {name(failed[0].given)}: {first.message}"
    )
    raise first
