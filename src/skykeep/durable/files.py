"""New files, whole or not there, and who may touch them."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skykeep.durable.errors import not_written
from skykeep.errors import Conflict, Denied


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the file from another at the same path; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  (before each write: half as long as Path.stat)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def refuse_public(path: Path, mode: int, what: str) -> None:
    """Raise ``Denied`` if others than owner and group may touch the file."""
    if mode & 0o007:
        raise Denied(
            f"the {what} {path} is open to every user (mode {stat.S_IMODE(mode):04o})",
            hint=f"close it: chmod 600 {path}",
        )


def draft_of(path: Path) -> Path:
    """A file beside it that is not there yet, to be filled and then linked into place.

    Its name is random: process ids repeat, in containers above all.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")


@contextmanager
def drafted(path: Path, what: str) -> Iterator[Path]:
    """A new empty file (0600) to be filled, put in place of ``path`` if nothing is raised.

    Nothing is left of it otherwise. Raises ``Conflict`` if there is a file at ``path`` by
    then, ``Denied``, ``Quota``; ``what`` is how errors call it.
    """
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise not_written(error, what) from None
    try:
        yield draft
        _publish(draft, path, what)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                draft.with_name(draft.name + suffix).unlink()


def _publish(draft: Path, path: Path, what: str) -> None:
    """Put a finished file where none is, durably. Raises ``Conflict``, ``Denied``."""
    try:
        os.link(draft, path)  # unlike a rename it never replaces what is there
        sync_directory(path.parent)
    except FileExistsError:
        raise Conflict(
            f"{what} is there already", hint="use it, or give another path"
        ) from None
    except OSError as error:
        raise not_written(error, what) from None


def sync_directory(path: Path) -> None:
    """Let the names in it reach the disk. Raises ``OSError``."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
