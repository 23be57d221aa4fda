"""``Archive``: results that are kept for long, each found again by its id.

::

    async with skykeep.open() as cloud, Archive(cloud) as archive:
        id = await archive.put({"verdict": "unsafe", "score": 0.93})
        result = await archive.get(id)

Keys are ``scan-results/YYYY/MM/DD/ID.json``, by the UTC day; what is before the year is
``object_storage.results_prefix``. Batches, compression and retention are
``object_storage.archive``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Final, TypeVar, overload

from skykeep.archive import ids, zstd
from skykeep.archive.batches import Batches, Parcel, Sleep
from skykeep.archive.days import Found, Span, days, files
from skykeep.archive.entries import Archived, Expired, entry_of
from skykeep.archive.records import decoded, encoded, line_of
from skykeep.archive.store import Store
from skykeep.cloud import Cloud
from skykeep.errors import Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.side_by_side import side_by_side

__all__ = ["Archive", "Archived", "Expired"]

T = TypeVar("T")

BUFFER_BYTES: Final = 32 * 1024 * 1024
AHEAD: Final = 8
"""Objects that ``find`` reads side by side."""


def _now() -> datetime:
    return datetime.now(UTC)


class Archive:
    """Results in an environment's store of objects. Belongs to one event loop.

    With ``batch: 1`` ``put`` returns when the store has the result. With larger batches it
    returns when the result is in a batch in memory, which is written when it is full, after
    ``batch_seconds``, at the end of the day, or by ``flush``: a process that is killed
    before loses what is in its batches and nothing else. ``get`` finds results there, too.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        buffer_bytes: int = BUFFER_BYTES,
        clock: Callable[[], datetime] = _now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """
        Args:
            cloud: it is not closed with the archive, and is closed after it.
            buffer_bytes: results that are not written yet take no more, or are one.
            clock: the time, with its zone.
            sleep: waits so many seconds.

        Raises ``MissingExtra`` if results are to be compressed and zstd is not installed.
        """
        storage = cloud.environment.object_storage
        self._settings = storage.archive
        self._prefix = storage.results_prefix
        self._objects = cloud.objects
        self._store = Store(cloud.objects, storage.results_prefix)
        self._clock = clock
        self._packed = self._settings.compress == "zstd"
        if self._packed:
            zstd.check_installed()
        self._batches = Batches(
            self._store.write,
            batch=self._settings.batch,
            seconds=self._settings.batch_seconds,
            packed=self._packed,
            most=buffer_bytes,
            clock=clock,
            sleep=sleep,
        )
        self._dropped = 0
        self._closed = False

    # -- keeping

    async def put(self, result: object) -> str:
        """Keep a result; its id.

        It is written as JSON by msgspec: a mapping, a list, a dataclass, a
        ``msgspec.Struct``, or ``msgspec.Raw`` with JSON in it; at most 16 MiB of it. Raises
        ``Invalid``; what the store raises. With batches it waits while there is no room, and
        raises what keeps the others from being written.
        """
        data = encoded(result)
        del result  # no traceback shows it
        self._check_open()
        try:
            if self._settings.batch > 1:
                return await self._batches.add_when_there_is_room(data)
            at = self._clock().astimezone(UTC)
            parcel = Parcel(ids.new_object(at), at, batch=False, packed=self._packed)
            id_ = str(ids.ResultId(parcel.object, self._packed))
            parcel.add(id_, data)
            await self._store.write(parcel)
            return id_
        finally:
            del data

    def offer(self, result: object) -> str | None:
        """Take a result without waiting; its id, or None if there is no room for it.

        For whoever must not wait, such as the handler of a request: the result is written
        by a task, with ``batch: 1`` too. One that was turned away is counted in ``dropped``.
        Raises ``Invalid``.
        """
        data = encoded(result)
        del result
        self._check_open()
        id_ = self._batches.add(data)
        del data
        if id_ is None:
            self._dropped += 1
        return id_

    @property
    def dropped(self) -> int:
        """Results that ``offer`` turned away."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """Results that are not known to be written yet."""
        return self._batches.count

    async def flush(self) -> None:
        """Write all that was taken until now. Raises what it fails with; what is not
        written stays, and is tried again."""
        await self._batches.flush()

    async def aclose(self) -> None:
        """Take no more, and ``flush``. Raises as that does: then it may be called again."""
        self._closed = True
        try:
            await self._batches.close()
        except SkykeepError as error:
            error.hint = f"{self.waiting:,} results are not written" + (
                f"; {error.hint}" if error.hint else ""
            )
            raise

    async def __aenter__(self) -> Archive:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    # -- finding

    @overload
    async def get(
        self, id: str, *, day: date | None = None, within_days: int | None = None
    ) -> Any: ...

    @overload
    async def get(
        self,
        id: str,
        type: type[T],
        *,
        day: date | None = None,
        within_days: int | None = None,
    ) -> T: ...

    async def get(
        self,
        id: str,
        type: Any = Any,
        *,
        day: date | None = None,
        within_days: int | None = None,
    ) -> Any:
        """The result with that id, in one call of the store.

        Args:
            id: what ``put`` gave; or the UUID under which another program kept it.
            type: what to read it as: a dataclass, a ``msgspec.Struct``, any type that
                msgspec knows; by default plain mappings, lists and values.
            day: for a UUID, which has no date: the day that it was kept.
            within_days: for a UUID: ask so many days, today first, up to 366; a call each,
                eight at once. Only what is not found there is a ``NotFound``.

        Raises ``NotFound``; ``Invalid`` for what is no id, for a UUID without a day, and if
        the result has another shape than ``type``; ``Corrupt``.
        """
        wanted = ids.parse(id)
        if (held := self._batches.held(str(wanted))) is not None:
            line = held if wanted.place is None else line_of(wanted, held).result
            return decoded(bytes(line), type, id)
        at = wanted.at
        if at is not None:
            data = await self._store.data(wanted, at.date())
        elif day is not None:
            data = await self._store.data(wanted, day)
        elif within_days is not None:
            data = await self._store.searched(wanted, self._today(), within_days)
        else:
            raise Invalid(
                f"{shown(id)} does not say on which day it was kept",
                hint="give day=…, or within_days=… to look for it",
            )
        if data is None:
            raise NotFound(f"there is no result {id}", resource=id)
        return decoded(data, type, id)

    async def list(
        self, day: date | None = None, *, since: date | None = None, until: date | None = None
    ) -> AsyncIterator[Archived]:
        """What is kept, day by day; within a day by time, where the store lists in order.

        ``day`` is that day; else the days from ``since`` to ``until``, both among them. A
        page of a day is a call, and so is each batch: it is read for the ids in it. What is
        not written yet is not there. Raises ``Corrupt`` for a damaged batch.
        """
        async for found in self._store.files(day, since, until):
            if found.file.batch:
                for entry, _ in await self._store.batch(found):
                    yield entry
            else:
                yield entry_of(found)

    async def find(
        self,
        where: Callable[[Any], bool] | None = None,
        type: Any = Any,
        *,
        day: date | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> AsyncIterator[tuple[Archived, Any]]:
        """Read all that ``list`` lists, in its order; those for which ``where`` holds.

        Eight objects are read at once. One that is removed meanwhile is left out. Arguments
        and errors as ``list`` and ``get``.
        """

        async def read(found: Found) -> Sequence[tuple[Archived, bytes]]:
            if not found.file.batch:
                entry = entry_of(found)
                data = await self._store.data(ids.parse(entry.id), found.day)
                return [] if data is None else [(entry, data)]
            try:
                return await self._store.batch(found)
            except NotFound:
                return []

        async def results(window: Sequence[Found]) -> AsyncIterator[tuple[Archived, Any]]:
            for some in await side_by_side(read, window, AHEAD):
                for entry, data in some:
                    result = decoded(data, type, entry.id)
                    if where is None or where(result):
                        yield entry, result

        window: Sequence[Found] = []
        async for found in self._store.files(day, since, until):
            window = [*window, found]
            if len(window) == AHEAD:
                async for each in results(window):
                    yield each
                window = []
        async for each in results(window):
            yield each

    # -- retention

    async def expire(self, before: date | None = None, *, dry_run: bool = False) -> Expired:
        """Remove the results of the days before a day.

        Args:
            before: the first day that stays; by default ``retention_days`` before today.
            dry_run: only say what would be removed.

        Raises ``Invalid`` for a day after today, and if there is neither a day nor a
        setting; the first error of an object that could not be removed: then the rest is
        removed, and the next call tries again.
        """
        today = self._today()
        if before is None:
            if self._settings.retention_days is None:
                raise Invalid(
                    "nothing says how long results are kept",
                    hint="give before=…, or set object_storage.archive.retention_days",
                )
            before = today - timedelta(days=self._settings.retention_days)
        if before > today:
            raise Invalid(f"{before} is to come: results of today are being written")
        gone: list[date] = []
        objects = size = left = 0
        failures: list[SkykeepError] = []
        for day in await days(self._objects, self._prefix, Span(None, before - timedelta(1))):
            ours: dict[str, int] = {}
            async for each in files(self._objects, self._prefix, day):
                if isinstance(each, Found):
                    ours[each.info.key] = each.info.size
                else:
                    left += 1
            errors = {} if dry_run else await self._objects.delete_many([*ours])
            failures += errors.values()
            for key in errors:
                del ours[key]
            objects += len(ours)
            size += sum(ours.values())
            if ours:
                gone.append(day)
        if failures:
            raise failures[0]
        return Expired(before, tuple(gone), objects, size, left)

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _check_open(self) -> None:
        if self._closed:
            raise SkykeepError("this archive is closed", hint="open another one")
