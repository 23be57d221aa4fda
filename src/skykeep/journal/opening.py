"""A journal that is opened when it is first needed: most programs only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from skykeep.interfaces.journal_store import JournalStore


class OpenedLater(JournalStore):
    """A store at a path. Where there is no file nothing is owed, and reading makes none."""

    def __init__(self, path: Path, open: Callable[[], JournalStore]) -> None:
        """``open`` opens the file or makes it; may raise any error of a journal."""
        self._path = path
        self._open = open
        self._store: JournalStore | None = None

    def _opened(self) -> JournalStore:
        if self._store is None:
            self._store = self._open()
        return self._store

    async def append(self, payload: bytes) -> int:
        """See ``JournalStore``; makes the file."""
        return await self._opened().append(payload)

    async def replace(self, id: int, payload: bytes) -> bool:
        """See ``JournalStore``."""
        return await self._opened().replace(id, payload)

    async def remove(self, id: int) -> None:
        """See ``JournalStore``."""
        await self._opened().remove(id)

    def changes(self, since: int) -> tuple[int, Sequence[tuple[int, bytes | None]]]:
        """See ``JournalStore``; makes no file."""
        if self._store is None and not self._path.exists():
            return since, ()
        return self._opened().changes(since)

    def hold(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """See ``JournalStore``; makes the file."""
        return self._opened().hold(name, seconds)

    async def close(self) -> None:
        """Close what was opened."""
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    def after_fork(self) -> None:
        """See ``JournalStore``."""
        if self._store is not None:
            self._store.after_fork()
