"""What the scanners of one process share, made when it is needed and ended together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Resources
from llm_shield.settings import ModelsSettings

if TYPE_CHECKING:
    from llm_shield.models.embedder import Embedder
    from skykeep import Cloud, ModelStore

T = TypeVar("T")

THREADS = 4
"""Threads at most for what scanners run off the event loop."""


class Owned:
    """Resources, and their end."""

    def __init__(self, settings: ModelsSettings, *, threads: int | None = None) -> None:
        """Nothing is opened or started yet; ``threads``: of the embedder, by default its own
        default. Raises ``ConfigError`` for skykeep's configuration."""
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._embedder: Embedder | None = None
        self._cloud: Cloud | None = None
        self._store: ModelStore | None = None
        if settings.store:
            import skykeep

            self._cloud = skykeep.open(
                env=settings.environment or None, config=settings.config or None
            )
            self._store = skykeep.ModelStore.of(self._cloud)
        self._files = ModelFiles(self._store, settings.pinned)
        self.resources = Resources(self._files, self._shared_embedder, self._in_thread)

    def _shared_embedder(self) -> Embedder:
        if self._embedder is None:
            # Imported here: most settings of cheap scanners need no model.
            from llm_shield.models.embedder import Embedder

            self._embedder = Embedder(self._files, threads=self._threads)
        return self._embedder

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._pool is None:
            workers = min(THREADS, os.cpu_count() or 1)
            self._pool = ThreadPoolExecutor(workers, "llm_shield")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    async def close(self) -> None:
        """End threads, and the connections to the model store."""
        if self._pool is not None:
            # What a cancelled scan left in a thread ends by itself; nobody waits for it.
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        if self._embedder is not None:
            self._embedder.close()
            self._embedder = None
        if self._store is not None:
            await self._store.close()
        if self._cloud is not None:
            await self._cloud.close()
