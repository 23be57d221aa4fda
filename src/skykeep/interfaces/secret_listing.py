"""Listings: an async iterator over pages. A class, so that a half-read one holds no task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from skykeep.interfaces.secret_driver import Page, SecretInfo


class Listing:
    """An async iterator of ``SecretInfo``; fetches a page at a time.

    Attributes:
        cursor: where the page after the last fetched one begins; None before the first
            page and after the last. Opaque; good for ``Secrets.list(cursor=…)``.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[Page]], cursor: str | None
    ) -> None:
        """``fetch`` gives the page that begins at a cursor; None is the first."""
        self.cursor = cursor
        self._fetch = fetch
        self._items: list[SecretInfo] = []
        self._ended = False

    def __aiter__(self) -> Listing:
        return self

    async def __anext__(self) -> SecretInfo:
        while not self._items:
            page = await self.next_page()
            if page is None:
                raise StopAsyncIteration
            self._items = list(reversed(page))
        return self._items.pop()

    async def next_page(self) -> Sequence[SecretInfo] | None:
        """The next page, or None after the last. Not to be mixed with iteration."""
        if self._ended:
            return None
        page = await self._fetch(self.cursor)
        self.cursor = page.cursor
        self._ended = page.cursor is None
        return page.items
