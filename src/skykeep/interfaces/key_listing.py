"""Listings of keys: an async iterator over pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from skykeep.interfaces.key_driver import KeyInfo, KeyPage


class KeyListing:
    """An async iterator of ``KeyInfo``; fetches a page at a time.

    Attributes:
        cursor: where the page after the last fetched one begins; None before the first
            page and after the last. Opaque; good for ``Keys.list(cursor=…)``.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[KeyPage]], cursor: str | None
    ) -> None:
        """``fetch`` gives the page that begins at a cursor; None is the first."""
        self.cursor = cursor
        self._fetch = fetch
        self._items: list[KeyInfo] = []
        self._ended = False

    def __aiter__(self) -> KeyListing:
        return self

    async def __anext__(self) -> KeyInfo:
        while not self._items:
            page = await self.next_page()
            if page is None:
                raise StopAsyncIteration
            self._items = list(reversed(page))
        return self._items.pop()

    async def next_page(self) -> Sequence[KeyInfo] | None:
        """The next page, or None after the last. Not to be mixed with iteration."""
        if self._ended:
            return None
        page = await self._fetch(self.cursor)
        self.cursor = page.cursor
        self._ended = page.cursor is None
        return page.items
