"""The driver of objects in a local directory: its work is done in threads.

A file system may be a network's and hang: the event loop must not hang with it. Readers and
writers have threads of their own, so that writers who wait for a lock keep nobody from
reading. A caller who is cancelled leaves the work to end in its thread: it happens as a whole
or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from skykeep.errors import ConfigError, Conflict, Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    Fragment,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
    ObjectPage,
    Upload,
)
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.objects.about import About, identity_of
from skykeep.providers.local.objects.drafts import draft, sweep
from skykeep.providers.local.objects.errors import no_object, removed, translated
from skykeep.providers.local.objects.layout import (
    Layout,
    Rooms,
    copy_range,
    segments_of,
    write_all,
)
from skykeep.providers.local.objects.listing import Listing
from skykeep.providers.local.objects.locks import Locks
from skykeep.providers.local.objects.placing import Placing
from skykeep.providers.local.objects.reading import Reading
from skykeep.providers.local.objects.uploads import Uploads
from skykeep.providers.local.settings import LocalSettings

T = TypeVar("T")

DIRECTORY: Final = "objects"
"""Of skykeep's data directory, unless the settings name another one."""
READERS, WRITERS = 8, 8
"""Threads at most; they are made when they are needed."""

CAPABILITIES: Final = ObjectCapabilities(presign=False, nested_keys=False)


async def open_objects(settings: LocalSettings, context: OpenContext) -> LocalObjects:
    """The driver over the directory, which the first write makes. Raises ``ConfigError``."""
    if settings.objects is None:
        return LocalObjects(context.data_dir() / DIRECTORY)
    try:
        root = Path(settings.objects).expanduser()  # noqa: ASYNC240  (looks into no file)
    except RuntimeError:
        raise ConfigError(f"there is no home directory for {settings.objects!r}") from None
    root = Path.cwd() / root
    _apart_from_secrets(root, settings, context)
    return LocalObjects(root)


def _apart_from_secrets(root: Path, settings: LocalSettings, context: OpenContext) -> None:
    """A vault or a key file within the root would be an object, which others may be given."""
    # Imported here: opening the default directory needs no cryptography.
    from skykeep.providers.local.unlock import key_file_path
    from skykeep.providers.local.vault import vault_path

    for path, what in (
        (vault_path(settings, context), "vault"),
        (key_file_path(settings, context), "key file"),
    ):
        if path is not None and path.resolve().is_relative_to(root.resolve()):
            raise ConfigError(
                f"the directory of objects {str(root)!a} would hold the {what} itself",
                hint="give 'objects' a directory of its own",
            )


class LocalObjects(ObjectDriver):
    """Objects as plain files under their keys. Layout: ``layout.py``."""

    capabilities = CAPABILITIES

    def __init__(self, root: Path) -> None:
        """Touches nothing yet."""
        self._layout = Layout(root)
        self._locks = Locks()
        self._reading = Reading(self._layout)
        self._listing = Listing(self._layout)
        self._placing = Placing(self._layout, self._locks)
        self._uploads = Uploads(self._layout, self._locks, self._placing, self.capabilities)
        self._swept = False
        self._start_threads()

    def _start_threads(self) -> None:
        self._readers = ThreadPoolExecutor(READERS, "skykeep-objects-read")
        self._writers = ThreadPoolExecutor(WRITERS, "skykeep-objects-write")

    # -- reading

    async def head(self, key: str) -> ObjectInfo:
        return await self._read(key, lambda: self._reading.head(key).info(key))

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        return await self._read(key, lambda: self._reading.read(key, start, length, if_match))

    async def tags(self, key: str) -> Mapping[str, str]:
        found = await self._read(key, lambda: self._reading.head(key))
        return {} if found.about is None else found.about.tags

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        return await self._read(
            prefix, lambda: self._listing.page(prefix, cursor, limit, delimiter)
        )

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        start = f"{prefix}/" if prefix else ""

        def find() -> Sequence[Upload]:
            try:
                with self._layout.root() as root, self._layout.own(root) as own:
                    self._sweep(own)
                    return self._uploads.begun(own, start)
            except FileNotFoundError:
                return []  # nothing was ever written

        return await self._read(prefix, find)

    # -- writing

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        size, work = len(data), self._writing(key, data, attributes, condition)
        del data  # reports of errors may show the variables of a frame
        self._check(key, attributes)
        _check_size("one write", size, self.capabilities.max_write_bytes)
        return await self._change(key, work)

    def _writing(
        self, key: str, data: bytes, attributes: ObjectAttributes, condition: Condition
    ) -> Callable[[Rooms], ObjectInfo]:
        about = About(
            key=key,
            content_type=attributes.content_type or DEFAULT_CONTENT_TYPE,
            metadata=dict(attributes.metadata),
            tags=dict(attributes.tags),
        )

        def write(rooms: Rooms) -> ObjectInfo:
            with draft(rooms.own) as body:
                write_all(body.descriptor, data)
                digest = hashlib.sha256(data).hexdigest()
                whole = msgspec.structs.replace(about, sha256=digest)
                return self._placing.place(rooms, body, whole, condition)

        return write

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        self._check(key, attributes)
        return await self._change(
            key, lambda rooms: self._uploads.begin(rooms.own, key, attributes)
        )

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        size, work = len(data), self._writing_part(key, upload, number, data)
        del data  # reports of errors may show the variables of a frame
        can = self.capabilities
        if not 1 <= number <= can.max_parts:
            raise Invalid(f"parts are numbered from 1 to {can.max_parts:,}, not {number}")
        _check_size("a part", size, can.max_part_bytes)
        return await self._change(key, work)

    def _writing_part(
        self, key: str, upload: str, number: int, data: bytes
    ) -> Callable[[Rooms], str]:
        return lambda rooms: self._uploads.write(rooms.own, key, upload, number, data)

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        return await self._change(
            key,
            lambda rooms: self._uploads.complete(rooms, key, upload, parts, condition),
        )

    async def abort_upload(self, key: str, upload: str) -> None:
        await self._change(key, lambda rooms: self._uploads.abort(rooms.own, upload))

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        segments_of(key)
        try:
            await self._change(
                key,
                lambda rooms: self._placing.remove(rooms, key, if_match),
                make=False,
            )
        except NotFound:  # not even the root is there
            if if_match is not None:
                raise Conflict(f"{shown(key)} is not there") from None

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        # Side by side: a delete waits for the disk, and a thousand have one call's time.
        ended = await asyncio.gather(*map(self.delete, keys), return_exceptions=True)
        errors: dict[str, SkykeepError] = {}
        for key, answer in zip(keys, ended, strict=True):
            if isinstance(answer, SkykeepError):
                errors[key] = answer
            elif answer is not None:
                raise answer
        return errors

    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        self._check(key, NO_ATTRIBUTES)
        return await self._change(key, lambda rooms: self._copy(source, key, condition, rooms))

    def _copy(self, source: str, key: str, condition: Condition, rooms: Rooms) -> ObjectInfo:
        with ExitStack() as stack:
            try:
                descriptor, found = stack.enter_context(self._reading.opened(source))
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise no_object(source) from None
            body = stack.enter_context(draft(rooms.own))
            copied = copy_range(descriptor, body.descriptor, found.identity.size)
            now = identity_of(os.fstat(descriptor))
            if copied != found.identity.size or now != found.identity:
                raise Conflict(f"{shown(source)} was changed while it was copied")
            about = msgspec.structs.replace(found.about or About(key=source), key=key)
            return self._placing.place(rooms, body, about, condition)

    # -- threads

    def _check(self, key: str, attributes: ObjectAttributes) -> None:
        if attributes.storage_class is not None:
            raise self.unsupported(f"write(storage_class={attributes.storage_class!r})")
        segments_of(key)
        pairs = attributes.metadata.items()
        _check_size(
            "metadata",
            sum(len(name.encode()) + len(value.encode()) for name, value in pairs),
            self.capabilities.max_metadata_bytes,
        )

    def _sweep(self, own: int) -> None:
        """Remove what dead writers left."""
        with suppress(OSError):  # a store that may only be read is left as it is
            sweep(own)
            self._uploads.sweep(own)
        self._swept = True

    async def _change(self, key: str, work: Callable[[Rooms], T], *, make: bool = True) -> T:
        def change() -> T:
            with ExitStack() as stack:
                try:
                    root = stack.enter_context(self._layout.root(make=make))
                except FileNotFoundError:
                    raise no_object(key) from None
                try:
                    own = stack.enter_context(self._layout.own(root, make=True))
                    if not self._swept:
                        self._sweep(own)
                    return work(Rooms(root, own))
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    raise removed(self._layout.path) from None

        return await self._in_thread(self._writers, key, change)

    async def _read(self, key: str, work: Callable[[], T]) -> T:
        return await self._in_thread(self._readers, key, work)

    async def _in_thread(
        self, threads: ThreadPoolExecutor, key: str, work: Callable[[], T]
    ) -> T:
        def outcome() -> T | SkykeepError:
            try:
                return work()
            except SkykeepError as error:
                ours = error
            except OSError as error:
                ours = translated(error, self._layout.path, key)
            # Without the frames that led here: they hold bodies.
            ours.__context__ = None
            return ours.with_traceback(None)

        ended = await asyncio.get_running_loop().run_in_executor(threads, outcome)
        if isinstance(ended, SkykeepError):
            try:
                del work, outcome
                raise ended
            finally:
                del ended  # or the error and this frame would hold each other
        return ended

    async def close(self) -> None:
        """Wait for what is under way in threads."""
        for threads in (self._readers, self._writers):
            await asyncio.to_thread(threads.shutdown)

    def after_fork(self) -> None:
        """The threads are the parent's; what they held is let go of."""
        self._locks.after_fork()
        self._uploads.after_fork()
        self._start_threads()


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise Invalid(f"{what} takes at most {limit:,} bytes here; this has {size:,}")
