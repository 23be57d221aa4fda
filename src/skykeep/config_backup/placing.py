"""A file replaced whole: the old one or the new one is there at every moment.

The new text is in a file of its own beside the old one, and on the disk, before it is renamed
into its place; a process that is killed leaves at most that file, ``.NAME.new-…``. A
symbolic link stays one: what it leads to is replaced. Mode and owner are kept; access lists
and other attributes are not.

That nobody else wrote the file meanwhile is looked at just before the rename: an editor that
saves in between, within microseconds, is not noticed, and what it saved is lost.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from skykeep.config_backup.names import stamp
from skykeep.errors import Conflict, Denied, Invalid, Quota, SkykeepError
from skykeep.settings.files import MAX_BYTES

NEW_MODE: Final = 0o600
"""Of a file that was not there."""


@dataclass(frozen=True, slots=True)
class Present:
    """A file as it is.

    Attributes:
        path: with all links followed.
        data: what is in it; None if there is no such file. Not in ``repr``.
        mode: its permissions.
        owner: user and group.
    """

    path: Path
    data: bytes | None = field(repr=False)
    mode: int = NEW_MODE
    owner: tuple[int, int] = (-1, -1)


def look(path: Path) -> Present:
    """The file as it is now. Raises ``Invalid`` for what is no file, ``Denied``."""
    with _errors(path):
        real = Path(os.path.realpath(path))
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return Present(real, None)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise Invalid(f"{path} is not a file")
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Invalid(f"{path} is larger than 1 MiB: it is no configuration")
    return Present(real, data, stat.S_IMODE(about.st_mode), (about.st_uid, about.st_gid))


def replace(present: Present, data: bytes, at: datetime) -> Path | None:
    """Put the data in the file's place; where the file before it is kept, if there was one.

    ``at`` is in the name of that one. Raises ``Conflict`` if the file is no longer what
    ``present`` says, ``Denied``, ``Quota``: then nothing was replaced.
    """
    path = present.path
    with _errors(path, "nothing was replaced"):
        new = path.with_name(f".{path.name}.new-{secrets.token_hex(8)}")
        kept: Path | None = None
        try:
            _write(new, data, present)
            if present.data is not None:
                kept = _kept(present, at)
            if look(path).data != present.data:
                raise Conflict(
                    f"{path} was changed meanwhile", hint="nothing was replaced; look at it"
                )
            if present.data is None:
                _link(new, path)
            else:
                new.replace(path)
        except BaseException:
            for made in (new, kept):
                if made is not None:
                    with suppress(OSError):
                        made.unlink()
            raise
    with _errors(path, "it was replaced, and need not be on the disk yet"):
        _sync(path.parent)
    return kept


def _kept(present: Present, at: datetime) -> Path:
    """A copy of the file beside it, under a name that nothing has."""
    assert present.data is not None  # noqa: S101  (the caller looked)
    base = f"{present.path.name}.bak-{stamp(at)}"
    number = 1
    while True:
        path = present.path.with_name(base if number == 1 else f"{base}_{number}")
        try:
            _write(path, present.data, present)
        except FileExistsError:
            number += 1
        else:
            return path


def _write(path: Path, data: bytes, like: Present) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_MODE)
    with os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0 and like.owner != (-1, -1):
            os.fchown(descriptor, *like.owner)  # who is not root owns what is made anyway
        os.fchmod(descriptor, like.mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _link(new: Path, path: Path) -> None:
    """Give the new file its name, if nothing has it."""
    try:
        os.link(new, path)
    except FileExistsError:
        raise Conflict(f"{path} was made meanwhile", hint="nothing was replaced") from None
    new.unlink()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors(path: Path, hint: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _raise(error, path, hint)


def _raise(error: OSError, path: Path, hint: str) -> NoReturn:
    why = error.strerror or "unknown reason"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        raise Denied(f"{path}: {why}", hint=hint) from None
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        raise Quota(f"{path}: {why}", hint=hint) from None
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}:
        raise Invalid(f"{path}: {why}", hint=hint) from None
    raise SkykeepError(f"{path}: {why}", hint=hint) from None
