"""What keeps a journal: sealed records in order, shared by all processes of a host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class JournalStore(Protocol):
    """Keeps records durably until they are removed, and lends the locks of names.

    Every method may raise ``Unavailable`` (another process holds the file for too long),
    ``Denied``, ``Quota`` (the disk, or the journal's own bound, is full: nothing was kept),
    ``KeyFailure``, ``Corrupt``. What returned is on the disk and survives ``kill -9``.
    """

    async def append(self, payload: bytes) -> int:
        """Keep a new record. Its id is larger than that of any before, also a removed one."""

    async def replace(self, id: int, payload: bytes) -> bool:
        """Put other bytes in its place; False if it was removed meanwhile."""

    async def remove(self, id: int) -> None:
        """Forget the record; one that is gone is no error."""

    def changes(self, since: int) -> tuple[int, Sequence[tuple[int, bytes | None]]]:
        """What was kept, replaced or removed after the moment ``since``, by any process.

        Answers on the caller's thread: microseconds where nothing changed.

        Returns:
            The moment now, for the next time, and each changed record once, in the order of
            ids: its id and its bytes as they are now, None if it was removed. From 0, all
            records.
        """

    def hold(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """The lock of a name, which one task of one process of this host has at a time.

        It ends with its holder, also by ``kill -9``. Raises ``Unavailable`` (``sent`` is
        False) if another has it for longer than ``seconds``.
        """

    async def close(self) -> None:
        """Let go of the file and the key."""

    def after_fork(self) -> None:
        """In a forked child: nothing that the parent holds is used again."""
