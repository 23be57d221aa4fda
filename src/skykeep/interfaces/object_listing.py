"""Listings of objects: an async iterator over pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from skykeep.interfaces.object_driver import ObjectInfo, ObjectPage


class ObjectListing:
    """An async iterator of ``ObjectInfo``; fetches a page at a time, and holds one.

    Attributes:
        cursor: where the page after the last fetched one begins; None before the first page
            and after the last. Opaque; good for ``Objects.list(cursor=…)``.
        prefixes: of the last fetched page: with ``delimiter``, the next level.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[ObjectPage]], cursor: str | None
    ) -> None:
        """``fetch`` gives the page that begins at a cursor; None is the first."""
        self.cursor = cursor
        self.prefixes: Sequence[str] = ()
        self._fetch = fetch
        self._items: list[ObjectInfo] = []
        self._ended = False

    def __aiter__(self) -> ObjectListing:
        return self

    async def __anext__(self) -> ObjectInfo:
        while not self._items:
            page = await self.next_page()
            if page is None:
                raise StopAsyncIteration
            self._items = list(reversed(page.items))
        return self._items.pop()

    async def next_page(self) -> ObjectPage | None:
        """The next page, or None after the last. Not to be mixed with iteration."""
        if self._ended:
            return None
        page = await self._fetch(self.cursor)
        self.cursor = page.cursor
        self.prefixes = page.prefixes
        self._ended = page.cursor is None
        return page
