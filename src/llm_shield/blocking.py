"""The same door for callers without an event loop: ``with BlockingShield.of("standard")``.

One background thread runs one event loop; each method hands its coroutine over and waits.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from llm_shield.result import ScanResult
from llm_shield.scanner import Side
from llm_shield.shield import Answer, Shield
from skykeep.errors import Unavailable, Unsupported

if TYPE_CHECKING:
    from llm_shield.settings import ShieldSettings
    from llm_shield.streaming import Released

T = TypeVar("T")


class BlockingShield:
    """A shield that is waited for, for ``with``. May be used from several threads; not across a
    fork: make it in the process that uses it."""

    def __init__(self, shield: Shield) -> None:
        """Use ``BlockingShield.of``."""
        self._shield = shield
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="llm_shield", daemon=True
        )
        self._thread.start()
        self._closed = False

    @classmethod
    def of(
        cls,
        source: str | Path | Mapping[str, Any] | ShieldSettings = "standard",
        *,
        only: Iterable[str] | None = None,
        threads: int | None = None,
    ) -> BlockingShield:
        """As ``Shield.of``."""
        return cls(Shield.of(source, only=only, threads=threads))

    @property
    def settings(self) -> ShieldSettings:
        """What it is set to."""
        return self._shield.settings

    @property
    def missing(self) -> Mapping[str, str]:
        """As ``Shield.missing``."""
        return self._shield.missing

    def load(self) -> None:
        """As ``Shield.load``."""
        self._run(self._shield.load())

    def scan_prompt(self, text: str, *, tenant: str = "", session: str = "") -> ScanResult:
        """As ``Shield.scan_prompt``."""
        return self._run(self._shield.scan_prompt(text, tenant=tenant, session=session))

    def scan_output(
        self,
        answer: str,
        *,
        prompt: str | None = None,
        context: str | None = None,
        tenant: str = "",
        session: str = "",
    ) -> ScanResult:
        """As ``Shield.scan_output``."""
        return self._run(
            self._shield.scan_output(
                answer, prompt=prompt, context=context, tenant=tenant, session=session
            )
        )

    def scan_many(
        self,
        texts: Iterable[str | Answer],
        *,
        side: Side = Side.INPUT,
        concurrency: int | None = None,
        tenant: str = "",
    ) -> list[ScanResult]:
        """As ``Shield.scan_many``."""
        # The iterator may block, or use this shield: it is read in the caller's thread.
        return self._run(
            self._shield.scan_many(
                list(texts), side=side, concurrency=concurrency, tenant=tenant
            )
        )

    def stream(
        self,
        chunks: Iterable[str],
        *,
        side: Side = Side.OUTPUT,
        prompt: str | None = None,
        context: str | None = None,
        tenant: str = "",
        session: str = "",
    ) -> Iterator[Released]:
        """As ``Shield.stream``; the chunks are asked for in the caller's thread."""
        from llm_shield.streaming import Released

        if side is Side.INPUT:
            stream = self._shield.stream_prompt(tenant=tenant, session=session)
        else:
            stream = self._shield.stream_output(
                prompt=prompt, context=context, tenant=tenant, session=session
            )
        for chunk in chunks:
            released = self._run(stream.feed(chunk))
            if released.text or released.findings:
                yield released
            if stream.ended:
                break
        result = self._run(stream.finish())
        yield Released(result.rest, (), result)

    def close(self) -> None:
        """Let go of models and threads. May be called twice."""
        if self._closed or os.getpid() != self._process:
            return
        try:
            self._run(self._shield.close())
        finally:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> BlockingShield:
        try:
            self.load()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it. An interrupt of the waiting thread cancels it, and waits for its end."""
        try:
            if self._closed:
                raise Unavailable("the shield is closed")
            if os.getpid() != self._process:
                raise Unsupported(
                    "this shield was made before the process forked",
                    hint="make one in the child",
                )
            if threading.current_thread() is self._thread:
                raise RuntimeError("a blocking call on the shield's own loop would never end")
        except BaseException:
            work.close()
            raise
        ended = threading.Event()
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = self._loop.create_task(work)
            task.add_done_callback(lambda _: ended.set())
            tasks.append(task)

        def cancel() -> None:
            tasks[0].cancel()

        self._loop.call_soon_threadsafe(start)
        try:
            ended.wait()
        except BaseException:
            # Callbacks run in their order: by then it was started.
            self._loop.call_soon_threadsafe(cancel)
            ended.wait()
            raise
        return tasks[0].result()
