"""The front door: ``async with Shield.of("standard") as shield``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_shield import settings as settings_module
from llm_shield.pipeline import Pipeline, check_length
from llm_shield.presets import BOUNDS, OPTIONAL
from llm_shield.resources import Owned
from llm_shield.result import ScanResult
from llm_shield.scanner import Request, Scanner, Side
from llm_shield.scanners import scanner_class
from llm_shield.settings import Chosen, ShieldSettings, chosen, settings_of
from llm_shield.text import Text
from skykeep.errors import Invalid, MissingExtra, Unavailable

if TYPE_CHECKING:
    from llm_shield.streaming import Released, Stream


class Answer(NamedTuple):
    """An answer with what it belongs to, for ``scan_many``.

    Attributes:
        text: the answer.
        prompt: what it answers, if that is known.
        context: what it should be true to, if there is something.
    """

    text: str
    prompt: str | None = None
    context: str | None = None


class Shield:
    """Scanners of prompts and answers, as they are set; for ``async with``.

    One shield serves any number of texts at once, on one event loop. It is loaded by ``async
    with`` or ``load``, else by its first scan.

    Attributes:
        settings: what it is set to.
        missing: scanners of the preset that are not installed, and why; they are in each
            result as skipped.
    """

    def __init__(self, settings: ShieldSettings, *, threads: int | None = None) -> None:
        """Use ``Shield.of``. ``threads``: that the model of sentence embeddings runs on; by
        default 2."""
        self.settings = settings
        self.missing: dict[str, str] = {}
        self._owned = Owned(settings.models, threads=threads)
        self._shared: list[Scanner[Any]] = []
        self._chosen: dict[Side, list[tuple[Scanner[Any], bool]]] = {}
        for side in Side:
            self._chosen[side] = list(self._made(side))
        self._pipelines: dict[Side, Pipeline] = {}
        self._loading = asyncio.Lock()
        self._closed = False

    @classmethod
    def of(
        cls,
        source: str | Path | Mapping[str, Any] | ShieldSettings = "standard",
        *,
        only: Iterable[str] | None = None,
        threads: int | None = None,
    ) -> Shield:
        """A shield of a preset's name, a settings file (YAML, JSON), a mapping, or settings.

        ``only``: these scanners and no others. Raises ``ConfigError``; ``MissingExtra`` where
        a scanner that the configuration names is not installed.
        """
        settings = settings_of(source)
        if only is not None:
            settings = settings_module.only(settings, only)
        return cls(settings, threads=threads)

    def _made(self, side: Side) -> Iterator[tuple[Scanner[Any], bool]]:
        for one in chosen(self.settings, side):
            # One that looks at prompts and answers alike has its models once.
            scanner = next((each for each in self._shared if _same(each, one)), None)
            if scanner is None:
                try:
                    scanner = one.kind(one.settings, self._owned.resources)
                except MissingExtra as error:
                    self._leave_out(one.kind.name, one.named, error)
                    continue
                self._shared.append(scanner)
            yield scanner, one.named

    def _leave_out(self, name: str, named: bool, error: MissingExtra) -> None:
        if named or name not in OPTIONAL:
            raise error
        self.missing[name] = f"MissingExtra: {error}"

    # -- its life

    async def load(self) -> None:
        """Read models and rules now, so that the first text does not wait for that.

        Raises ``MissingExtra``, ``Corrupt``, ``NotFound``; ``Unavailable`` if it is closed.
        """
        if self._closed:
            raise Unavailable("the shield is closed")
        async with self._loading:
            if self._pipelines:
                return
            gone = set()
            once = list(_once(self._chosen))
            # At once: much of it is reading files and making sessions, off the loop.
            said = await asyncio.gather(
                *(scanner.load() for scanner, _ in once), return_exceptions=True
            )
            for (scanner, named), error in zip(once, said, strict=True):
                if isinstance(error, MissingExtra):
                    self._leave_out(scanner.name, named, error)
                    gone.add(scanner)
                elif error is not None:
                    raise error
            for side in Side:
                scanners = [each for each, _ in self._chosen[side] if each not in gone]
                self._pipelines[side] = Pipeline(
                    scanners,
                    bound=BOUNDS[self.settings.preset],
                    max_characters=self.settings.max_characters,
                    missing={
                        name: why
                        for name, why in self.missing.items()
                        if side in scanner_class(name).sides
                    },
                )

    async def close(self) -> None:
        """Let go of models and threads. May be called twice."""
        if not self._closed:
            self._closed = True
            self._pipelines.clear()
            await self._owned.close()

    async def __aenter__(self) -> Shield:
        try:
            await self.load()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # -- texts

    async def pipeline(self, side: Side) -> Pipeline:
        """The scanners of a side, loaded. Raises as ``load``."""
        if not self._pipelines:
            await self.load()
        return self._pipelines[side]

    async def scan_prompt(
        self, text: str, *, tenant: str = "", session: str = ""
    ) -> ScanResult:
        """Look at a prompt. ``tenant`` and ``session`` say whose it is, for what is anonymised.

        Raises ``Invalid`` for a text over ``max_characters``, and as ``load``. Failures of
        scanners are in the result.
        """
        pipeline = await self.pipeline(Side.INPUT)
        return await pipeline.scan(text, self._request(Side.INPUT, None, None, tenant, session))

    async def scan_output(
        self,
        answer: str,
        *,
        prompt: str | None = None,
        context: str | None = None,
        tenant: str = "",
        session: str = "",
    ) -> ScanResult:
        """Look at an answer. ``prompt``: what it answers; ``context``: what it should be true
        to; what compares with them does so where they are given. Raises as ``scan_prompt``."""
        pipeline = await self.pipeline(Side.OUTPUT)
        request = self._request(Side.OUTPUT, prompt, context, tenant, session)
        return await pipeline.scan(answer, request)

    async def scan_many(
        self,
        texts: Iterable[str | Answer],
        *,
        side: Side = Side.INPUT,
        concurrency: int | None = None,
        tenant: str = "",
    ) -> list[ScanResult]:
        """Look at many prompts, or answers (``Answer`` where the prompt is known), some at
        once; the results are in their order.

        ``concurrency``: as in the settings, unless given. The texts are taken from an iterator
        as they are needed. Raises ``Invalid`` as ``scan_prompt``; then the others are
        cancelled.
        """
        at_once = self.settings.concurrency if concurrency is None else concurrency
        if at_once < 1:
            raise Invalid("concurrency is at least 1")
        pipeline = await self.pipeline(side)
        results: dict[int, ScanResult] = {}
        numbered = enumerate(texts)

        async def work() -> None:
            for place, item in numbered:
                one = item if isinstance(item, Answer) else Answer(item)
                request = self._request(side, one.prompt, one.context, tenant, "")
                results[place] = await pipeline.scan(one.text, request)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(work())
        except ExceptionGroup as several:
            # The first one ended the others: it is what went wrong.
            raise several.exceptions[0] from None
        return [results[place] for place in range(len(results))]

    def stream_prompt(self, *, tenant: str = "", session: str = "") -> Stream:
        """A prompt that comes in chunks; see ``Stream``."""
        return self._stream(Side.INPUT, None, None, tenant, session)

    def stream_output(
        self,
        *,
        prompt: str | None = None,
        context: str | None = None,
        tenant: str = "",
        session: str = "",
    ) -> Stream:
        """An answer that comes in chunks; see ``Stream``."""
        return self._stream(Side.OUTPUT, prompt, context, tenant, session)

    async def stream(
        self,
        chunks: AsyncIterable[str],
        *,
        side: Side = Side.OUTPUT,
        prompt: str | None = None,
        context: str | None = None,
        tenant: str = "",
        session: str = "",
    ) -> AsyncIterator[Released]:
        """The chunks, sanitised, as far as they may be shown; the last has the ``result``.

        It ends early, with that, when a finding reaches the preset's bound: the rest of the
        chunks is not asked for.
        """
        from llm_shield.streaming import Released

        stream = self._stream(side, prompt, context, tenant, session)
        try:
            async for chunk in chunks:
                released = await stream.feed(chunk)
                if released.text or released.findings:
                    yield released
                if stream.ended:
                    break
            result = await stream.finish()
            yield Released(result.rest, (), result)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    def _stream(
        self, side: Side, prompt: str | None, context: str | None, tenant: str, session: str
    ) -> Stream:
        from llm_shield.streaming import Stream

        # Each look makes a request; one that cannot be is refused before any text comes.
        self._request(side, prompt, context, tenant, session)
        return Stream(
            lambda: self.pipeline(side),
            lambda: self._request(side, prompt, context, tenant, session),
        )

    def _request(
        self, side: Side, prompt: str | None, context: str | None, tenant: str, session: str
    ) -> Request:
        for what, other in (("prompt", prompt), ("context", context)):
            check_length(len(other or ""), self.settings.max_characters, what)
        return Request(
            self._owned.resources,
            side,
            prompt=None if prompt is None else Text(prompt),
            context=None if context is None else Text(context),
            tenant=tenant,
            session=session,
        )


def _same(scanner: Scanner[Any], wanted: Chosen) -> bool:
    return type(scanner) is wanted.kind and scanner.settings == wanted.settings


def _once(
    chosen_ones: Mapping[Side, list[tuple[Scanner[Any], bool]]],
) -> Iterator[tuple[Scanner[Any], bool]]:
    """Each scanner once; ``named`` if it is on either side."""
    seen: dict[Scanner[Any], bool] = {}
    for pairs in chosen_ones.values():
        for scanner, named in pairs:
            seen[scanner] = seen.get(scanner, False) or named
    yield from seen.items()
