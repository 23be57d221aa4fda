"""A listing: an async iterator over pages. A class, so that a half-read one holds no task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, Self, TypeVar

Item_co = TypeVar("Item_co", covariant=True)
Item = TypeVar("Item")


class PageOf(Protocol[Item_co]):
    """Some of a listing, and how to go on."""

    @property
    def items(self) -> Sequence[Item_co]:
        """In the store's own order."""

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None if this is the last."""


class Paged(Generic[Item]):
    """Fetches a page at a time.

    Attributes:
        cursor: where the page after the last fetched one begins; None before the first
            page and after the last. Opaque; good for the ``cursor=`` of what made this.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[PageOf[Item]]], cursor: str | None
    ) -> None:
        """``fetch`` gives the page that begins at a cursor; None is the first."""
        self.cursor = cursor
        self._fetch = fetch
        self._items: list[Item] = []
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            page = await self.next_page()
            if page is None:
                raise StopAsyncIteration
            self._items = list(reversed(page))
        return self._items.pop()

    async def next_page(self) -> Sequence[Item] | None:
        """The next page, or None after the last. Not to be mixed with iteration."""
        if self._ended:
            return None
        page = await self._fetch(self.cursor)
        self.cursor = page.cursor
        self._ended = page.cursor is None
        return page.items
