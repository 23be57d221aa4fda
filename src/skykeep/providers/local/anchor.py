"""Where it is kept, outside of the vault, how far the vault's counter has come.

Whoever can put an older copy of the vault in its place cannot put back what lies elsewhere:
beside the key file here, in the keyring of the system in ``keyring_anchor.py``. An anchor is
written after the commit that it tells of, so it is never ahead of a vault that nobody
touched; docs/spec/envelope.md, section 6, goes through what a crash does to that order.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from skykeep.durable.files import draft_of
from skykeep.errors import Corrupt, Denied
from skykeep.providers.local.counter import LARGEST

_BEGIN = b"skykeep counter 1 "
_DIGITS = len(_BEGIN)
_LINE = re.compile(re.escape(_BEGIN) + rb"(\d{20})\n")
_BYTES = 39


class Anchor(Protocol):
    """The highest number that was seen of a vault's counter.

    Attributes:
        where: what keeps it, for people; ``""`` if nothing does.
        reason: why it is not kept, or not any more; ``""`` if it is.
    """

    where: str
    reason: str

    def read(self) -> int | None:
        """The number, or None if none is kept yet. Raises ``Corrupt``, ``Denied``."""
        ...

    def may_reach(self, number: int) -> bool:
        """Whether it may be at the number: a cheap look within each commit; ``read`` tells."""
        ...

    def keep(self, number: int) -> None:
        """Keep the number if it is higher. Raises nothing: the commit is done by then."""
        ...

    def put(self, number: int) -> None:
        """Keep the number, whatever was there. Raises nothing; ``reason`` tells."""
        ...

    def close(self) -> None:
        """Write down what is left to be, durably. Raises nothing."""
        ...


class NoAnchor:
    """Nothing is kept, for a reason; only what this process saw is held against the file."""

    def __init__(self, reason: str) -> None:
        self.where = ""
        self.reason = reason

    def read(self) -> int | None:
        return None

    def may_reach(self, number: int) -> bool:
        return False

    def keep(self, number: int) -> None:
        pass

    def put(self, number: int) -> None:
        pass

    def close(self) -> None:
        pass


class FileAnchor:
    """A line of text beside the key file: ``skykeep counter 1 00000000000000000057``.

    It is made whole and durable once, then overwritten in place under ``flock(2)``, 39 bytes
    that never change their length: no crash leaves it empty or half written, and processes
    that hold it open go on with the same file. It is synced when it is closed.

    The line is written through a mapping of the file: it outlives the process as ``write(2)``
    does, and does not touch the file's time of change, which would make the disk's journal
    and so the vault's next commit a tenth slower.
    """

    def __init__(self, key_file: Path, vault: bytes) -> None:
        """``vault`` is the vault's 16-byte id."""
        self.path = key_file.with_name(f"{key_file.name}.{vault[:4].hex()}.counter")
        self.where = f"beside the key file, in {self.path}"
        self.reason = ""
        self._file: int | None = None
        self._map: mmap.mmap | None = None
        self._process = 0
        self._written = False
        self._hopeless = False

    def read(self) -> int | None:
        if self._descriptor() is None:
            return None
        with self._locked(fcntl.LOCK_SH) as file:
            return self._parsed(os.pread(file, _BYTES + 1, 0))

    # Both are called around each commit, when the processor's caches are cold: every line of
    # Python counts there. Lines of this form are ordered as their numbers are.

    def may_reach(self, number: int) -> bool:
        file = self._file
        if file is None or self._process != os.getpid():
            file = self._descriptor()
            if file is None:
                return False
        # Without the lock: a number that another process is writing just now may look too
        # small or too large.
        line = self._line(file)
        return line >= _line(number) or line[:_DIGITS] != _BEGIN or len(line) != _BYTES

    def keep(self, number: int) -> None:
        if self._hopeless:
            return
        try:
            file = self._file
            if file is None or self._process != os.getpid():
                file = self._descriptor()
                if file is None:
                    self._make(number)
                    return
            if self.reason:
                return
            line = _line(number)
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                found = self._line(file)
                if found < line and found[:_DIGITS] == _BEGIN and len(found) == _BYTES:
                    self._write(file, line)
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        except OSError as error:
            self._refused(error)
        except Denied as error:
            self.reason = error.message

    def put(self, number: int) -> None:
        try:
            if self._descriptor() is None:
                self._make(number)
            elif not self.reason:
                with self._locked(fcntl.LOCK_EX) as file:
                    os.ftruncate(file, _BYTES)  # the mapping may be touched from here on
                    self._write(file, _line(number))
                    os.fsync(file)
        except OSError as error:
            self._refused(error)
        except Denied as error:
            self.reason = error.message

    def close(self) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            if self._written and self._process == os.getpid():
                if self._map is not None:
                    self._map.flush()
                os.fsync(self._file)
        self._forget()

    def _forget(self) -> None:
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            os.close(self._file)
        self._map = self._file = None

    def _descriptor(self) -> int | None:
        """The open file, or None if there is none. Raises ``Denied``."""
        if self._file is not None:
            if self._process == os.getpid():
                return self._file
            # A lock belongs to what was opened, which a forked child shares with its parent.
            self._forget()
        if not self._hopeless:
            self.reason = ""
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            if not os.access(self.path.parent, os.W_OK):
                self.reason = f"nothing can be written in {self.path.parent}"
            return None
        except OSError as error:
            self._file = self._read_only(error)
        self._process = os.getpid()
        with suppress(OSError, ValueError):  # not on every file system, nor of empty files
            self._map = mmap.mmap(
                self._file,
                _BYTES,
                access=mmap.ACCESS_READ if self.reason else mmap.ACCESS_WRITE,
            )
        return self._file

    def _read_only(self, refused: OSError) -> int:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Denied(
                f"the counter beside the key file, {self.path}, cannot be read:"
                f" {error.strerror}",
                hint="make it readable and writable for this user: it tells whether an older"
                " copy of the vault was put back",
            ) from None
        self.reason = f"{self.path} cannot be written: {refused.strerror}"
        return file

    @contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        file = self._file
        if file is None:
            raise RuntimeError("the counter's file is not open")
        fcntl.flock(file, how)
        try:
            yield file
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _refused(self, error: OSError) -> None:
        self.reason = f"{self.path} cannot be written: {error.strerror}"
        self._hopeless = True

    def _line(self, file: int) -> bytes:
        # A mapping beyond the end of its file must not be touched (SIGBUS, mmap(2)).
        if self._map is not None and os.fstat(file).st_size == _BYTES:
            return self._map[:]
        return os.pread(file, _BYTES + 1, 0)

    def _write(self, file: int, line: bytes) -> None:
        if self._map is not None:
            self._map[:] = line
        else:
            os.pwrite(file, line, 0)
        self._written = True

    def _make(self, number: int) -> None:
        """Raises ``OSError``; if another process made it meanwhile, it is left to it."""
        draft = draft_of(self.path)
        try:
            file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, _line(number))
                os.fsync(file)
            finally:
                os.close(file)
            with suppress(FileExistsError):
                os.link(draft, self.path)
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        finally:
            with suppress(OSError):
                draft.unlink()

    def _parsed(self, line: bytes) -> int:
        found = _LINE.fullmatch(line)
        if found is None or int(found[1]) > LARGEST:
            raise Corrupt(
                f"the counter beside the key file, {self.path}, is damaged",
                hint="if the vault is as you left it, write it anew: skykeep vault accept",
            )
        return int(found[1])


def _line(number: int) -> bytes:
    return b"%s%020d\n" % (_BEGIN, number)
