"""A listing without an event loop: a plain iterator over pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Self, TypeVar

from skykeep.blocking.waiting import LoopThread
from skykeep.interfaces.paging import Paged

Item = TypeVar("Item")


class BlockingPaged(Generic[Item]):
    """``Paged``, waited for once a page."""

    def __init__(self, listing: Paged[Item], thread: LoopThread) -> None:
        self._listing = listing
        self._thread = thread
        self._items: Iterator[Item] = iter(())

    @property
    def cursor(self) -> str | None:
        """See ``Paged.cursor``."""
        return self._listing.cursor

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        while True:
            for item in self._items:
                return item
            page = self.next_page()
            if page is None:
                raise StopIteration
            self._items = iter(page)

    def next_page(self) -> Sequence[Item] | None:
        """See ``Paged.next_page``."""
        return self._thread.run(self._listing.next_page())
