"""``BlockingArchive``: the same for callers without an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from skykeep.archive.archive import BUFFER_BYTES, Archive
from skykeep.archive.entries import Archived
from skykeep.blocking import Waiting, blocking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from skykeep.blocking import BlockingCloud

T = TypeVar("T")


class BlockingArchive(Waiting[Archive]):
    """``Archive``, each method waited for, on the thread of its cloud."""

    def __init__(self, cloud: BlockingCloud, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        """Arguments and errors as ``Archive``."""
        super().__init__(Archive(cloud._cloud, buffer_bytes=buffer_bytes), cloud._thread)

    put = blocking(Archive.put)
    get = blocking(Archive.get)
    expire = blocking(Archive.expire)
    flush = blocking(Archive.flush)
    close = blocking(Archive.aclose)

    def offer(self, result: object) -> str | None:
        """As ``Archive.offer``: it waits for the loop's thread, and for no store."""

        async def offered() -> str | None:
            return self._waited_for.offer(result)

        return self._thread.run(offered())

    @property
    def dropped(self) -> int:
        """Results that ``offer`` turned away."""
        return self._waited_for.dropped

    def list(
        self, day: date | None = None, *, since: date | None = None, until: date | None = None
    ) -> Iterator[Archived]:
        """As ``Archive.list``."""
        return self._each(self._waited_for.list(day, since=since, until=until))

    def find(
        self,
        where: Callable[[Any], bool] | None = None,
        type: Any = Any,
        *,
        day: date | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Iterator[tuple[Archived, Any]]:
        """As ``Archive.find``; ``where`` is called on the loop's thread."""
        found = self._waited_for.find(where, type, day=day, since=since, until=until)
        return self._each(found)

    def _each(self, items: AsyncIterator[T]) -> Iterator[T]:
        made = cast("AsyncGenerator[T, None]", items)

        async def one() -> tuple[T, ...]:
            async for item in made:
                return (item,)
            return ()

        async def ended() -> None:
            await made.aclose()

        try:
            while got := self._thread.run(one()):
                yield got[0]
        finally:
            self._thread.run(ended())

    def __enter__(self) -> BlockingArchive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
