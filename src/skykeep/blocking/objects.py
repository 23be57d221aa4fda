"""Objects, each method waited for; bodies from and into plain Python."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, TypeAlias

from skykeep.blocking.waiting import LoopThread, Waiting, blocking
from skykeep.errors import Invalid
from skykeep.interfaces.object_driver import ObjectInfo, ObjectPage
from skykeep.interfaces.object_listing import ObjectListing
from skykeep.interfaces.object_reading import RANGE, Download
from skykeep.interfaces.object_sources import Body
from skykeep.interfaces.object_writing import Progress
from skykeep.interfaces.objects import PAGE, Objects

READ: Final = 1024 * 1024
"""Bytes that an open file is asked for at once."""


class Readable(Protocol):
    """An open binary file, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


BlockingBody: TypeAlias = Body | Readable | Iterable[bytes]


class BlockingObjects(Waiting[Objects]):
    """``Objects``, each method waited for. See there for what they do and raise."""

    get = blocking(Objects.get)
    head = blocking(Objects.head)
    exists = blocking(Objects.exists)
    tags = blocking(Objects.tags)
    capabilities = blocking(Objects.capabilities)
    presign = blocking(Objects.presign)
    delete = blocking(Objects.delete)
    delete_many = blocking(Objects.delete_many)
    copy = blocking(Objects.copy)
    collect = blocking(Objects.collect)
    lifecycle = blocking(Objects.lifecycle)
    set_lifecycle = blocking(Objects.set_lifecycle)

    def put(
        self,
        key: str,
        body: BlockingBody,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        if_match: str | None = None,
        if_absent: bool = False,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """Keep the body whole, or nothing of it. See ``Objects.put``.

        ``body`` may be an open binary file and an iterator of bytes, too; they are read in
        the thread that calls this. ``progress`` is called on the loop's thread. An interrupt
        (Ctrl-C) ends the upload before it is raised: no parts of it stay.
        """
        chunks = _chunks(body)

        async def put(given: Body) -> ObjectInfo:
            return await self._waited_for.put(
                key,
                given,
                content_type=content_type,
                metadata=metadata,
                tags=tags,
                storage_class=storage_class,
                if_match=if_match,
                if_absent=if_absent,
                progress=progress,
            )

        if chunks is not None:
            return self._thread.feed(put, chunks)
        work = put(body)  # type: ignore[arg-type]  # what has no chunks is a Body
        del body  # no traceback shows it
        return self._thread.run(work)

    def stream(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
        range_bytes: int = RANGE,
    ) -> BlockingDownload:
        """The body as an iterator of chunks, for ``with``. See ``Objects.stream``."""
        download = self._waited_for.stream(
            key, start=start, length=length, if_match=if_match, range_bytes=range_bytes
        )
        return BlockingDownload(download, self._thread)

    def list(
        self,
        prefix: str = "",
        *,
        delimiter: bool = False,
        cursor: str | None = None,
        page_size: int = PAGE,
    ) -> BlockingObjectListing:
        """Objects under a prefix; an iterator. See ``Objects.list``."""
        listing = self._waited_for.list(
            prefix, delimiter=delimiter, cursor=cursor, page_size=page_size
        )
        return BlockingObjectListing(listing, self._thread)


def _chunks(body: object) -> Iterable[bytes] | None:
    """What is to be read in the caller's thread; None for what the loop can take itself.

    Raises ``Invalid``.
    """
    if isinstance(body, bytes | bytearray | memoryview | Path | AsyncIterable):
        return None
    read = getattr(body, "read", None)
    if read is not None:
        return iter(lambda: read(READ), b"")
    if isinstance(body, Iterable) and not isinstance(body, str):
        return body
    raise Invalid(
        "a body is bytes, a Path, an open binary file or an iterator of bytes, not "
        f"{type(body).__name__}",
        hint="encode text: text.encode()" if isinstance(body, str) else "",
    )


class BlockingDownload:
    """An iterator of an object's bytes, and a context manager that ends it.

    ::

        with cloud.objects.stream("models/a.onnx") as body:
            print(body.info.size)
            for chunk in body:
                ...
    """

    def __init__(self, download: Download, thread: LoopThread) -> None:
        self._download = download
        self._thread = thread

    @property
    def info(self) -> ObjectInfo:
        """See ``Download.info``."""
        return self._download.info

    @property
    def position(self) -> int:
        """See ``Download.position``."""
        return self._download.position

    def __enter__(self) -> BlockingDownload:
        self._thread.run(self._download.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> BlockingDownload:
        return self

    def __next__(self) -> bytes:
        """See ``Download.__anext__``."""
        try:
            return self._thread.run(self._download.__anext__())
        except StopAsyncIteration:
            pass
        raise StopIteration

    def close(self) -> None:
        """See ``Download.aclose``."""
        self._thread.run(self._download.aclose())


class BlockingObjectListing:
    """An iterator of ``ObjectInfo``; waits once a page."""

    def __init__(self, listing: ObjectListing, thread: LoopThread) -> None:
        self._listing = listing
        self._thread = thread
        self._items: Iterator[ObjectInfo] = iter(())

    @property
    def cursor(self) -> str | None:
        """See ``ObjectListing.cursor``."""
        return self._listing.cursor

    @property
    def prefixes(self) -> Sequence[str]:
        """See ``ObjectListing.prefixes``."""
        return self._listing.prefixes

    def __iter__(self) -> BlockingObjectListing:
        return self

    def __next__(self) -> ObjectInfo:
        while True:
            for item in self._items:
                return item
            page = self.next_page()
            if page is None:
                raise StopIteration
            self._items = iter(page.items)

    def next_page(self) -> ObjectPage | None:
        """See ``ObjectListing.next_page``."""
        return self._thread.run(self._listing.next_page())
