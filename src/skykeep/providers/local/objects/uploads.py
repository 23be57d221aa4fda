"""Uploads in parts: a directory each, until the object is put together.

::

    ID/about         key, attributes and time; without it the upload has ended
    ID/lock          shared by who writes a part, exclusive for who ends the upload
    ID/size          the length of a regular part, as the text of a link: made in one step
    ID/body          regular parts, each at its place: it becomes the object by a rename
    ID/00002         what is known of part 2; locked while it is written
    ID/00002.data    part 2, where its length is another one

Parts of one length, and that is all of them but the last, are written where they will be:
an upload of many gigabytes ends in the time of one rename and one short copy. Any others
are put together by a copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from skykeep.errors import Invalid, NotFound, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    DEFAULT_CONTENT_TYPE,
    Condition,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectInfo,
    Upload,
)
from skykeep.providers.local.objects.about import About
from skykeep.providers.local.objects.digests import Digests
from skykeep.providers.local.objects.drafts import Draft, draft
from skykeep.providers.local.objects.layout import (
    DIRECTORY,
    FILE,
    UPLOADS,
    Layout,
    Rooms,
    copy_range,
    directory,
    names_in,
    read_range,
    room,
    synced,
    write_all,
)
from skykeep.providers.local.objects.locks import Locks
from skykeep.providers.local.objects.placing import Placing

T = TypeVar("T")

TRIES: Final = 100
_ID_LENGTH: Final = 32
_WRITTEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = _WRITTEN & ~os.O_CREAT
_LIMIT: Final = 1024 * 1024


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an upload from its beginning on.

    Attributes:
        key: what it will become.
        begun_at: UTC.
        content_type, metadata, tags: what the object will have.
    """

    key: str
    begun_at: datetime
    content_type: str | None
    metadata: dict[str, str]
    tags: dict[str, str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a part that was written.

    Attributes:
        length: bytes.
        token: what ``complete_upload`` is given.
        regular: it is at its place in the body; else in a file of its own.
    """

    length: int
    token: str
    regular: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    part: Part


class Uploads:
    """The uploads of one directory of objects."""

    def __init__(
        self, layout: Layout, locks: Locks, placing: Placing, can: ObjectCapabilities
    ) -> None:
        self._layout = layout
        self._locks = locks
        self._placing = placing
        self._can = can
        self._digests = Digests()

    def begin(self, own: int, key: str, attributes: ObjectAttributes) -> str:
        """Begin one; its id."""
        upload = secrets.token_hex(_ID_LENGTH // 2)
        begun = Begun(
            key=key,
            begun_at=datetime.now(UTC),
            content_type=attributes.content_type,
            metadata=dict(attributes.metadata),
            tags=dict(attributes.tags),
        )
        with room(UPLOADS, own) as uploads, draft(own) as about:
            write_all(about.descriptor, msgspec.json.encode(begun))
            synced(about.descriptor)
            for _ in range(TRIES):
                try:
                    with suppress(FileExistsError):
                        os.mkdir(upload, 0o700, dir_fd=uploads)
                    with directory(upload, uploads) as inside, self._locked(inside, _WRITTEN):
                        os.rename(
                            about.name, "about", src_dir_fd=about.directory, dst_dir_fd=inside
                        )
                        synced(inside)
                    synced(uploads)
                    self._digests.begin(upload)
                    return upload
                except FileNotFoundError:
                    continue  # a sweep took it for one that has ended
                except BaseException:
                    _drop(uploads, upload)
                    raise
        raise Unavailable(f"the upload of {shown(key)} is removed again and again")

    def write(self, own: int, key: str, upload: str, number: int, data: bytes) -> str:
        """Keep a part, on the disk. Raises ``NotFound`` for an upload that has ended."""
        token = f"{number}-{len(data)}-{hashlib.sha256(data).hexdigest()[:32]}"
        with (
            self._room(own, key, upload, fcntl.LOCK_SH) as (inside, _),
            self._part(inside, number) as record,
        ):
            os.ftruncate(record, 0)
            regular = len(data) > 0 and _regular_size(inside, len(data)) == len(data)
            with _opened(inside, "body" if regular else _data(number), _WRITTEN) as file:
                write_all(file, data, (number - 1) * len(data) if regular else 0)
                if not regular:
                    os.ftruncate(file, len(data))
                synced(file)
            part = Part(length=len(data), token=token, regular=regular)
            write_all(record, msgspec.json.encode(part))
        self._digests.add(upload, number, token, data)
        return token

    def complete(
        self,
        rooms: Rooms,
        key: str,
        upload: str,
        parts: Sequence[str],
        condition: Condition,
    ) -> ObjectInfo:
        """Put the parts together in this order. Raises as ``Placing.place``, ``Invalid``."""
        own = rooms.own
        with self._room(own, key, upload, fcntl.LOCK_EX) as (inside, begun):
            pieces = [_piece(inside, token) for token in parts]
            if not pieces:
                raise Invalid("an object is put together from at least one part")
            if any(each.part.length < self._can.min_part_bytes for each in pieces[:-1]):
                raise Invalid("only the last part may be empty")
            if sum(each.part.length for each in pieces) > self._can.max_object_bytes:
                raise Invalid(
                    f"an object has at most {self._can.max_object_bytes:,} bytes here"
                )
            about = About(
                key=key,
                content_type=begun.content_type or DEFAULT_CONTENT_TYPE,
                metadata=begun.metadata,
                tags=begun.tags,
                sha256=self._digests.of(upload, parts),
            )
            with self._assembled(own, inside, pieces) as body:
                info = self._placing.place(rooms, body, about, condition)
            _empty(inside)
        self._digests.end(upload)
        with room(UPLOADS, own) as uploads, suppress(OSError):
            os.rmdir(upload, dir_fd=uploads)
        return info

    def abort(self, own: int, upload: str) -> None:
        """End it and drop its parts; wait for who is writing one."""
        self._digests.end(upload)
        with suppress(NotFound):
            with self._room(own, None, upload, fcntl.LOCK_EX) as (inside, _):
                _empty(inside)
            with room(UPLOADS, own) as uploads, suppress(OSError):
                os.rmdir(upload, dir_fd=uploads)

    def begun(self, own: int, prefix: str) -> list[Upload]:
        """Those under a prefix that have not ended, the oldest first."""
        found: list[tuple[datetime, Upload]] = []
        with room(UPLOADS, own) as uploads:
            for upload in names_in(uploads):
                with suppress(FileNotFoundError), directory(upload, uploads) as inside:
                    begun = _known(inside, "about", Begun)
                    if begun is not None and begun.key.startswith(prefix):
                        there = Upload(begun.key, upload, begun.begun_at)
                        found.append((begun.begun_at, there))
        return [each for _, each in sorted(found, key=lambda each: (each[0], each[1].id))]

    def sweep(self, own: int) -> None:
        """Remove what is left of uploads that have ended."""
        with room(UPLOADS, own) as uploads:
            for upload in names_in(uploads):
                with suppress(OSError):
                    with directory(upload, uploads) as inside:
                        self._remove_remains(inside)
                    os.rmdir(upload, dir_fd=uploads)  # who just begins it makes it again

    def _remove_remains(self, inside: int) -> None:
        if _known(inside, "about", Begun) is not None:
            return
        with (
            suppress(FileNotFoundError, BlockingIOError),
            _opened(inside, "lock", FILE) as lock,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _known(inside, "about", Begun) is None:
                _empty(inside)

    @contextmanager
    def _locked(self, inside: int, flags: int, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        """Hold the upload's lock. Raises ``FileNotFoundError`` if it has ended."""
        descriptor = os.open("lock", flags, 0o600, dir_fd=inside)
        with self._locks.taken(descriptor, how):
            if not os.fstat(descriptor).st_nlink:
                raise FileNotFoundError
            yield

    def after_fork(self) -> None:
        """In a child: the uploads under way are the parent's."""
        self._digests = Digests()

    @contextmanager
    def _room(
        self, own: int, key: str | None, upload: str, how: int
    ) -> Iterator[tuple[int, Begun]]:
        """The upload's directory, under its lock. Raises ``NotFound`` if it has ended."""
        ended = NotFound(f"the upload of {shown(key or upload)} has ended")
        if len(upload) != _ID_LENGTH or not set(upload) <= set("0123456789abcdef"):
            raise ended
        try:
            with room(UPLOADS, own) as uploads:
                inside = os.open(upload, DIRECTORY, dir_fd=uploads)
        except FileNotFoundError:
            raise ended from None
        try:
            with ExitStack() as stack:
                with suppress(FileNotFoundError):
                    stack.enter_context(self._locked(inside, _LOCK, how))
                begun = _known(inside, "about", Begun)
                if begun is None or key not in (None, begun.key):
                    raise ended
                yield inside, begun
        finally:
            os.close(inside)

    @contextmanager
    def _part(self, inside: int, number: int) -> Iterator[int]:
        record = os.open(_record(number), _WRITTEN, 0o600, dir_fd=inside)
        with self._locks.taken(record, fcntl.LOCK_EX):
            yield record

    @contextmanager
    def _assembled(self, own: int, inside: int, pieces: Sequence[_Piece]) -> Iterator[Draft]:
        """The body; in place where the regular parts lie as they are wanted."""
        regular = [each for each in pieces if each.part.regular]
        as_wanted = (
            [each.number for each in regular] == list(range(1, len(regular) + 1))
            and pieces[: len(regular)] == regular
            and len(regular) == _regular_parts(inside)
        )
        if regular and as_wanted:
            with _opened(inside, "body", _WRITTEN) as file:
                at = sum(each.part.length for each in regular)
                os.ftruncate(file, at)
                for each in pieces[len(regular) :]:
                    at += _copied(inside, each, file, at)
                yield Draft(file, inside, "body")
            return
        with draft(own) as body:
            at = 0
            for each in pieces:
                at += _copied(inside, each, body.descriptor, at)
            yield body


def _copied(inside: int, piece: _Piece, to: int, at: int) -> int:
    """Copy a part to its place; its length."""
    part = piece.part
    name, start = _data(piece.number), 0
    if part.regular:
        name, start = "body", (piece.number - 1) * part.length
    with _opened(inside, name, FILE) as file:
        if copy_range(file, to, part.length, start=start, at=at) != part.length:
            raise Unavailable(f"part {piece.number} is shorter than it was")
    return part.length


def _piece(inside: int, token: str) -> _Piece:
    text = token.partition("-")[0]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
    part = _known(inside, _record(number), Part)
    if part is None or part.token != token:
        raise Invalid(
            f"part {number} was not written to this upload, or was written anew since",
            hint="give what write_part gave for each part",
        )
    return _Piece(number, part)


def _regular_size(inside: int, length: int) -> int:
    """The length of a regular part: that of the first that was written."""
    with suppress(FileExistsError):
        os.symlink(str(length), "size", dir_fd=inside)
    return int(os.readlink("size", dir_fd=inside))


def _regular_parts(inside: int) -> int:
    """How many parts are in the body, wanted or not."""
    records = [name for name in names_in(inside) if name.isdigit()]
    found = (_known(inside, name, Part) for name in records)
    return sum(1 for part in found if part is not None and part.regular)


def _known(inside: int, name: str, form: Callable[..., T] | type[T]) -> T | None:
    """What a small file says; None where there is none, or it was not written to its end."""
    try:
        with _opened(inside, name, FILE) as file:
            text = read_range(file, 0, _LIMIT)
        return msgspec.json.decode(text, type=form)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _empty(inside: int) -> None:
    """Remove all of an upload: first what says that it is one, last the lock that is held."""
    for name in sorted(names_in(inside), key=lambda name: (name == "lock", name != "about")):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=inside)


def _drop(uploads: int, upload: str) -> None:
    """Remove an upload that nobody knows of yet."""
    with suppress(OSError):
        with directory(upload, uploads) as inside:
            _empty(inside)
        os.rmdir(upload, dir_fd=uploads)


@contextmanager
def _opened(inside: int, name: str, flags: int) -> Iterator[int]:
    descriptor = os.open(name, flags, 0o600, dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _record(number: int) -> str:
    return f"{number:05d}"


def _data(number: int) -> str:
    return f"{number:05d}.data"
