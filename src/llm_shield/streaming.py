"""A text that comes in chunks, scanned as it comes.

What scanners on patterns look for may lie across the end of a chunk. So they look at windows of
the text that overlap, and text is held back until nothing in it can become a part of a finding
any more: what a scanner in use calls ``pending`` (its ``reach``, or less where it can tell),
``STEP`` code points and the chunk itself; more only while findings that overlap each other
reach that far back. What is released is sanitised. Findings longer than a scanner's ``reach``
may be told in the end only, when a part of them has been released.

Scanners on models look at parts of the text, cut at ends of sentences, as soon as some
``SEGMENT`` code points have come: what they say can end the stream, and holds nothing back.

In the end the text is scanned as a whole. So the result is that of the whole text, whatever the
chunks were; all in all the work is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_shield.finding import Finding, replaced
from llm_shield.pipeline import Pipeline, found, summary
from llm_shield.result import Found, ScannerResult, ScanResult, Status
from llm_shield.scanner import Cost, Request, Scanner
from llm_shield.text import Text
from skykeep.errors import Invalid

SEGMENT = 1_000
"""Code points after which scanners on models look at what has come."""

OVERLAP = 200
"""Code points that a part has in common with the one before it."""

STEP = 256
"""Code points that come before windows are scanned again."""

_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f][\s\"')\]]|\n")


@dataclass(frozen=True, slots=True)
class Released:
    """What may be shown now.

    Attributes:
        text: sanitised; ``""`` while nothing may be.
        findings: new ones, with their places in the whole text. When the stream has ended
            early, what ended it is the last of them.
        result: of the whole text, in the last one that ``Shield.stream`` gives.
        settled: findings that begin before this place are all known now; for what replaces
            them itself, such as ``AnonymiseStream``.
    """

    text: str
    findings: Sequence[Found]
    result: ScanResult | None = None
    settled: int = 0


@dataclass(frozen=True, slots=True)
class StreamResult(ScanResult):
    """The result of the whole text, and what was still held back of it.

    Attributes:
        rest: sanitised; ``""`` if the risk has reached the preset's bound.
        ended_early: text was refused, or a scanner failed closed, before the end.
    """

    rest: str = ""
    ended_early: bool = False


class Stream:
    """One text in chunks. From ``Shield.stream_prompt`` and ``stream_output``; for one task."""

    def __init__(
        self, pipeline: Callable[[], Awaitable[Pipeline]], request: Callable[[], Request]
    ) -> None:
        """``pipeline`` gives the loaded scanners, ``request`` a new request for each look."""
        self._pipeline = pipeline
        self._request = request
        self._chunks: list[str] = []
        self._length = 0
        self._windows: _Windows | None = None
        self._segments: _Segments | None = None
        self._stopped: ScannerResult | None = None
        self._result: StreamResult | None = None

    @property
    def ended(self) -> bool:
        """No more text is taken; a finding has reached the bound, or it is finished."""
        return self._stopped is not None or self._result is not None

    async def feed(self, chunk: str) -> Released:
        """Take the next chunk, and give what may be shown.

        Raises ``Invalid`` when the text gets longer than ``max_characters`` (the chunk is not
        taken then), and after the end; else as ``Shield.load``.
        """
        if self.ended:
            raise Invalid(
                "the stream has ended: it takes no more text",
                hint="finish() has the result" if self._result is None else "begin another",
            )
        pipeline = await self._pipeline()
        pipeline.check_length(self._length + len(chunk))
        if self._windows is None or self._segments is None:
            self._windows = _Windows(pipeline, self._request)
            self._segments = _Segments(pipeline, self._request)
        self._chunks.append(chunk)
        self._length += len(chunk)
        text, findings, self._stopped = await self._windows.feed(chunk)
        if self._stopped is None:
            self._stopped, more = await self._segments.feed(chunk)
            findings = [*findings, *more]
            if self._stopped is not None:
                text = ""
        return Released(text, findings, settled=self._windows.settled)

    async def finish(self) -> StreamResult:
        """The text is over: its result, as of the whole text at once, and the rest of it.

        After an early end it is the result of the text that was taken. May be called twice.
        """
        if self._result is not None:
            return self._result
        pipeline = await self._pipeline()
        text = "".join(self._chunks)
        whole = await pipeline.scan(text, self._request())
        stopped = self._stopped
        if stopped is not None and whole.scanner(stopped.name).risk < stopped.risk:
            # A part was worse than the whole: who was told so is not told otherwise now.
            results = [stopped if one.name == stopped.name else one for one in whole.scanners]
            whole = summary(text, results, whole.seconds)
        rest = ""
        if stopped is None and (pipeline.bound is None or whole.risk < pipeline.bound):
            at = 0 if self._windows is None else self._windows.released
            rest = _rest(text, at, whole.findings)
        self._chunks.clear()
        self._result = StreamResult(
            whole.valid,
            whole.risk,
            whole.sanitized,
            whole.findings,
            whole.scanners,
            whole.seconds,
            rest,
            stopped is not None,
        )
        return self._result


class _Windows:
    """Scanners with a reach, each on windows of the text.

    Attributes:
        released: so many code points of the text were released.
        settled: findings that begin before this are known for good.
    """

    def __init__(self, pipeline: Pipeline, request: Callable[[], Request]) -> None:
        self._pipeline = pipeline
        self._request = request
        self._from = {each: 0 for each in pipeline.scanners if each.stream_reach() > 0}
        """Where each scanner's next window begins."""
        self.released = 0
        self.settled = 0
        self._new: list[str] = []
        self._waiting = 0
        self._text = ""
        """The text from ``_base`` on."""
        self._base = 0
        self._known: list[Found] = []

    async def feed(self, chunk: str) -> tuple[str, list[Found], ScannerResult | None]:
        """What may be shown, what was found for good, and what ends the stream."""
        if not self._from:
            self.released += len(chunk)
            self.settled = self.released
            return chunk, [], None
        self._new.append(chunk)
        self._waiting += len(chunk)
        if self._waiting < STEP:
            return "", [], None
        self._text += "".join(self._new)
        self._new.clear()
        self._waiting = 0
        windows = {start: Text(self._text[start - self._base :]) for start in self._starts()}
        settled = min(
            start + scanner.pending(windows[start].sent)
            for scanner, start in self._from.items()
        )
        if settled <= self.settled:
            return "", [], None
        return await self._look(windows, settled)

    def _starts(self) -> set[int]:
        return set(self._from.values())

    async def _look(
        self, windows: Mapping[int, Text], settled: int
    ) -> tuple[str, list[Found], ScannerResult | None]:
        new: list[Found] = []
        later: list[Found] = []
        request = self._request()
        stopped: ScannerResult | None = None
        try:
            for scanner, start in self._from.items():
                result = await self._pipeline.one(scanner, windows[start], request)
                moved = [found(scanner.name, one, start) for one in result.findings]
                sure = [one for one in moved if self.settled <= one.start < settled]
                later += (one for one in moved if one.start >= settled)
                new += sure
                if self._ends(result, sure):
                    stopped = replace(result, findings=sure)
                    break
        finally:
            await request.close()
        new.sort(key=lambda one: (one.start, one.end, one.kind))
        if stopped is not None:
            return "", new, stopped
        self._known += new
        self.settled = settled
        return self._release(later), new, None

    def _ends(self, result: ScannerResult, sure: Sequence[Found]) -> bool:
        """Whether nothing more is taken: a risk that more text cannot take back, or a failure
        that means invalid."""
        if result.status is not Status.DONE:
            return result.valid is False
        bound = self._pipeline.bound
        if bound is None or result.risk < bound or not sure:
            return False
        return max(one.score for one in sure) >= bound or len(sure) == len(result.findings)

    def _release(self, later: Sequence[Found]) -> str:
        """The text up to where nothing can change any more, sanitised."""
        places = [one for one in (*self._known, *later) if one.replacement is not None]
        until = _outside(self.settled, places)
        shown = _sanitized(self._text, self._base, self.released, until, self._known)
        self.released = max(self.released, until)
        self._forget([*self._known, *later])
        return shown

    def _forget(self, findings: Sequence[Found]) -> None:
        """Choose where the next windows begin, and let go of what lies before them.

        As far before what is not settled as a finding may reach, not inside of one, and after a
        space if there is one near: what is matched there is then what the whole text has there.
        """
        for scanner, before in self._from.items():
            reach = scanner.stream_reach()
            own = [one for one in findings if one.scanner == scanner.name]
            lowest = max(before, self.settled - 2 * reach)
            begin = max(lowest, self.settled - reach)
            begin = max(lowest, _outside(begin, own))
            place = self._text.rfind(" ", lowest - self._base, begin - self._base)
            self._from[scanner] = self._base + place + 1 if place >= 0 else begin
        base = min(*self._starts(), self.released)
        self._known = [one for one in self._known if one.end > base]
        self._text = self._text[base - self._base :]
        self._base = base


class _Segments:
    """Scanners on models, on parts of the text that end where sentences do."""

    def __init__(self, pipeline: Pipeline, request: Callable[[], Request]) -> None:
        self._pipeline = pipeline
        self._request = request
        # Without a bound nothing ends the stream, and the whole text is judged in the end.
        self._scanners: list[Scanner[Any]] = [
            each
            for each in pipeline.scanners
            if each.cost is Cost.MODEL
            and not each.stream_reach()
            and not each.whole
            and pipeline.bound is not None
        ]
        self._new: list[str] = []
        self._waiting = 0
        self._text = ""
        self._base = 0
        self._seen = 0

    async def feed(self, chunk: str) -> tuple[ScannerResult | None, list[Found]]:
        """What ends the stream, and its findings."""
        if not self._scanners:
            return None, []
        self._new.append(chunk)
        self._waiting += len(chunk)
        if self._waiting < SEGMENT:
            return None, []
        self._text += "".join(self._new)
        self._new.clear()
        self._waiting = 0
        cut = self._cut()
        if not cut:
            return None, []
        part, base = self._text[:cut], self._base
        request = self._request()
        try:
            results, reached = await self._pipeline.side_by_side(
                self._scanners, Text(part), request
            )
        finally:
            await request.close()
        keep = max(0, cut - OVERLAP)
        self._text, self._base = self._text[keep:], self._base + keep
        self._seen = cut - keep
        for one in results:
            failed = one.status in {Status.FAILED, Status.TIMED_OUT} and one.valid is False
            if failed or (reached and one.risk >= (self._pipeline.bound or 0.0)):
                moved = [found(one.name, each, base) for each in one.findings]
                return replace(one, findings=moved), moved
        return None, []

    def _cut(self) -> int:
        """Where the part ends: after the last sentence, or everywhere if none ends for long."""
        cut = 0
        for end in _SENTENCE_END.finditer(self._text, self._seen):
            cut = end.end()
        if not cut and len(self._text) - self._seen >= 2 * SEGMENT:
            cut = len(self._text)
        return cut


def _outside(place: int, findings: Sequence[Finding]) -> int:
    """The place, or where the findings that lie across it begin."""
    for one in sorted(findings, key=lambda one: one.end, reverse=True):
        if one.end <= place:
            break
        place = min(place, one.start)
    return place


def _sanitized(text: str, base: int, start: int, end: int, findings: Sequence[Finding]) -> str:
    """``[start, end)`` of the text whose first code point is at ``base``, with replacements."""
    if end <= start:
        return ""
    inside = [one for one in findings if one.start < end and one.end > start]
    part = text[start - base : end - base]
    return replaced(part, [_moved(one, start, len(part)) for one in inside])


def _rest(text: str, at: int, findings: Sequence[Finding]) -> str:
    """The sanitised text from ``at`` on."""
    return _sanitized(text, 0, at, len(text), findings)


def _moved(finding: Finding, by: int, length: int) -> Finding:
    return replace(finding, start=max(0, finding.start - by), end=min(length, finding.end - by))
