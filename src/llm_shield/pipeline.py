"""One text's way through the scanners: the cheap ones first, then the others side by side.

Scanners on patterns are awaited one after the other, without a task: a task costs more than
most of them. Those on models run in parallel, then those that ask the network. Once a risk
reaches the bound, those that have not begun are skipped and those under way are cancelled.

A scanner that fails or takes too long is part of the result, never an exception; what its
failure means for the text is its setting ``on_failure``.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine, Generator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from time import perf_counter
from types import coroutine
from typing import Any

from llm_shield.finding import Finding, Verdict, replaced
from llm_shield.result import Found, ScannerResult, ScanResult, Status
from llm_shield.scanner import Cost, Request, Scanner
from llm_shield.text import Text
from skykeep.errors import Invalid, SkykeepError

logger = logging.getLogger("llm_shield")


class Pipeline:
    """The scanners of one side, as they are set."""

    def __init__(
        self,
        scanners: Sequence[Scanner[Any]],
        *,
        bound: float | None,
        max_characters: int,
        missing: Mapping[str, str] | None = None,
    ) -> None:
        """``scanners`` in their order, ``bound``: the risk from which on the rest is skipped,
        None: never; ``missing``: those of the preset that are not installed, and why."""
        self.scanners = tuple(sorted(scanners, key=lambda each: each.cost))
        self.bound = bound
        self.max_characters = max_characters
        self.missing = dict(missing or {})
        self._cheap = tuple(each for each in self.scanners if each.cost is Cost.PATTERN)
        costly = (each for each in self.scanners if each.cost is not Cost.PATTERN)
        self._stages = tuple(
            tuple(stage) for _, stage in groupby(costly, lambda each: each.cost)
        )

    def check_length(self, length: int) -> None:
        """Raises ``Invalid`` for so many code points, if they are too many."""
        check_length(length, self.max_characters)

    async def scan(self, text: str, request: Request) -> ScanResult:
        """Look at the text. Raises ``Invalid`` if it is too long.

        A cancellation of the caller is passed on, when all that was begun has ended.
        """
        self.check_length(len(text))
        begun = perf_counter()
        looked_at = Text(text)
        try:
            results, reached = await self._cheap_ones(looked_at, request)
            for stage in self._stages:
                if reached:
                    results += (_skipped(each) for each in stage)
                elif len(stage) == 1:
                    result = await self.one(stage[0], looked_at, request)
                    results.append(result)
                    reached = self._reaches(result)
                else:
                    found, reached = await self.side_by_side(stage, looked_at, request)
                    results += found
        finally:
            await request.close()
        for name, why in self.missing.items():
            results.append(ScannerResult(name, Status.SKIPPED, error=why))
        return summary(text, results, perf_counter() - begun)

    def _reaches(self, result: ScannerResult) -> bool:
        bound = self.bound
        return bound is not None and result.risk >= bound and result.status is Status.DONE

    async def _cheap_ones(
        self, text: Text, request: Request
    ) -> tuple[list[ScannerResult], bool]:
        results: list[ScannerResult] = []
        reached = False
        for scanner in self._cheap:
            if reached:
                results.append(_skipped(scanner))
                continue
            result = await self.one(scanner, text, request)
            results.append(result)
            reached = self._reaches(result)
        return results, reached

    async def side_by_side(
        self, stage: Sequence[Scanner[Any]], text: Text, request: Request
    ) -> tuple[list[ScannerResult], bool]:
        """All of them at once; the first that reaches the bound ends the others. Whether one
        has is the second part of the answer."""
        results: dict[int, ScannerResult] = {}
        tasks: list[asyncio.Task[None]] = []

        async def run(place: int, scanner: Scanner[Any]) -> None:
            result = results[place] = await self.one(scanner, text, request)
            if self._reaches(result):
                for task in tasks:
                    if task is not asyncio.current_task():
                        task.cancel()

        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(run(at, each)) for at, each in enumerate(stage)]
        ordered = [results.get(at) or _skipped(each) for at, each in enumerate(stage)]
        return ordered, any(map(self._reaches, ordered))

    async def one(self, scanner: Scanner[Any], text: Text, request: Request) -> ScannerResult:
        """What comes of one scanner, within its time; whatever it raises is in the result."""
        begun = perf_counter()
        settings = scanner.settings
        try:
            verdict = await _within(scanner.scan(text, request), settings.timeout_seconds)
            _check(verdict, len(text.sent))
        except _TimedOut:
            status = Status.TIMED_OUT
            error = f"Unavailable: it took longer than {settings.timeout_seconds:g} s"
        except SkykeepError as failure:
            status = Status.FAILED
            error = f"{type(failure).__name__}: {failure.message}"
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled us: the scanner waited for something that was.
            status = Status.FAILED
            error = "CancelledError: what it waited for was cancelled"
            logger.error("scanner %s failed: %s", scanner.name, error)
        except Exception as bug:  # noqa: BLE001  (a bug of one scanner must not hide the others)
            status = Status.FAILED
            error = _told(bug)
            # The traceback without its last line: the message may be part of the text.
            frames = "".join(traceback.format_tb(bug.__traceback__))
            logger.error("a bug in scanner %s: %s\n%s", scanner.name, error, frames)
        else:
            return ScannerResult(
                scanner.name,
                Status.DONE,
                verdict.risk < settings.threshold,
                verdict.risk,
                verdict.findings,
                verdict.facts,
                perf_counter() - begun,
            )
        is_open = settings.on_failure == "open"
        return ScannerResult(
            scanner.name,
            status,
            is_open,
            0.0 if is_open else 1.0,
            seconds=perf_counter() - begun,
            error=error,
        )


def check_length(length: int, most: int, what: str = "text") -> None:
    """Raises ``Invalid`` for more code points than ``most``."""
    if length > most:
        raise Invalid(
            f"the {what} has {length:,} characters; at most {most:,} are scanned",
            hint="scan it in parts, or set max_characters",
        )


def summary(text: str, results: Sequence[ScannerResult], seconds: float) -> ScanResult:
    """What the scanners said, put together."""
    findings: list[Found] = []
    valid, risk = True, 0.0
    for one in results:
        risk = max(risk, one.risk)
        valid = valid and one.valid is not False
        findings += (found(one.name, each) for each in one.findings)
    sanitized = text
    if findings:
        findings.sort(key=lambda each: (each.start, each.end, each.kind))
        sanitized = replaced(text, findings)
    return ScanResult(valid, risk, sanitized, findings, results, seconds)


def found(scanner: str, finding: Finding, by: int = 0) -> Found:
    """The finding with its scanner's name, moved by so many code points."""
    return Found(
        finding.kind,
        finding.start + by,
        finding.end + by,
        finding.score,
        finding.reason,
        finding.replacement,
        scanner,
    )


def _skipped(scanner: Scanner[Any]) -> ScannerResult:
    return ScannerResult(scanner.name, Status.SKIPPED)


class _TimedOut(Exception):
    """The scanner's time is over; a ``TimeoutError`` of its own is another thing."""


async def _within(work: Coroutine[Any, Any, Verdict], seconds: float) -> Verdict:
    """Await it for so long. Raises ``_TimedOut``.

    It is begun before a clock is set: most scanners never wait, so there is nothing that could
    be interrupted, and ``asyncio.timeout`` costs 6 µs, which is more than many of them take.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        verdict: Verdict = done.value
        return verdict
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            return await _rest(work, waits_for)
    except TimeoutError:
        if clock.expired():
            raise _TimedOut from None
        raise


@coroutine
def _rest(work: Coroutine[Any, Any, Verdict], waits_for: Any) -> Generator[Any, Any, Verdict]:
    """What is left of a coroutine that waits, passed through as ``yield from`` would."""
    try:
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                raise
            except BaseException as thrown:  # noqa: BLE001  (the coroutine's to handle)
                waits_for = work.throw(thrown)
            else:
                waits_for = work.send(sent)
    except StopIteration as done:
        verdict: Verdict = done.value
        return verdict
    finally:
        work.close()


def _check(verdict: Verdict, length: int) -> None:
    """A verdict that breaks the contract is a bug of its scanner. Raises ``ValueError``."""
    if not 0.0 <= verdict.risk <= 1.0:
        raise ValueError("a risk outside [0, 1]")
    for one in verdict.findings:
        if not 0 <= one.start <= one.end <= length:
            raise ValueError("a finding outside of the text")


def _told(bug: Exception) -> str:
    frames = traceback.extract_tb(bug.__traceback__)
    if not frames:
        return type(bug).__name__
    return f"{type(bug).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
