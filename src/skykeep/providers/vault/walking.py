"""A listing of a tree: the engine lists one directory at a time, in order.

``LIST`` gives the keys of a directory, sub-directories with a closing slash. Walked in the
order of those keys, the whole paths come out in their own order, so that a cursor need only
say the last path that was seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

ListDirectory = Callable[[str, str], Awaitable[tuple[Sequence[str], bool]]]
"""A directory (``""`` or with a closing slash) and a key -> the keys behind that one, sorted
(those before it may be there too), and whether there may be more behind the last."""


class Walk:
    """The paths that begin with ``start``, in order, after one that was seen."""

    def __init__(self, listed: ListDirectory, start: str, after: str) -> None:
        self._listed = listed
        self._start = start
        self._after = after

    async def next(self, count: int) -> list[str]:
        """Up to ``count`` paths more; fewer only at the end."""
        found: list[str] = []
        await self._into(self._start[: self._start.rfind("/") + 1], count, found)
        if found:
            self._after = found[-1]
        return found

    async def _into(self, directory: str, count: int, found: list[str]) -> None:
        async for key in self._keys(directory):
            if len(found) >= count:
                return
            path = directory + key
            if not (path.startswith(self._start) or self._start.startswith(path)):
                if path > self._start:
                    return  # all that follow begin otherwise too
                continue
            if path.endswith("/"):
                if path > self._after or self._after.startswith(path):
                    await self._into(path, count, found)
            elif path > self._after and path.startswith(self._start):
                found.append(path)

    async def _keys(self, directory: str) -> AsyncIterator[str]:
        """The keys of a directory from where it was left; asked for as they are needed."""
        after = ""
        if self._after.startswith(directory):
            # Without its slash: the directory that was left half-way must come again.
            after = self._after[len(directory) :].partition("/")[0]
        last, more = "", True
        while more:
            keys, more = await self._listed(directory, after)
            new = [key for key in keys if key > last]
            if not new:
                return  # a server that knows no pages gives the same again
            for key in new:
                yield key
            after = last = new[-1]
