"""A file that is being received: beside its place, under another name, until it is whole.

``NAME.skykeep-part`` has what came so far, ``NAME.skykeep-part.json`` of which object that is
and how much of it is on the disk. Whoever receives holds a lock on the first: a second
process is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Final

from skykeep.apps.cli.transfers.digests import BLOCK
from skykeep.apps.cli.transfers.files import PART, failure_of
from skykeep.errors import Conflict

RESUMABLE: Final = 8 * 1024 * 1024
"""Bytes from which on it is worth while to go on where a transfer broke off."""
SAVED: Final = 64 * 1024 * 1024
"""Bytes after which what came is put onto the disk and the place is noted."""
_LONGEST = 255
"""Bytes of a file's name."""


class Partial:
    """The bytes of an object that came so far. Its methods block.

    Attributes:
        have: bytes.
        etag: of which object they are; ``""`` if there are none.
    """

    def __init__(self, target: Path, source: str) -> None:
        """Take the place beside ``target``; ``source`` says which object, of which store.

        Raises ``Conflict`` if another process receives it; as ``failure_of``.
        """
        self.have = 0
        self.etag = ""
        self._target = target
        self._source = source
        self._part = target.with_name(_short(target.name) + PART)
        self._note = target.with_name(self._part.name + ".json")
        self._hash = hashlib.sha256()
        self._saved = 0
        self._finished = False
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(self._taken(), "r+b", buffering=0)
        except OSError as error:
            raise failure_of(error, target) from None

    def _taken(self) -> int:
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._part, flags, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                there = self._part.stat(follow_symlinks=False)
                if os.path.samestat(there, os.fstat(descriptor)):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise Conflict(
                    f"another process is receiving '{self._target}'",
                    hint="wait until it has ended",
                ) from None
            except FileNotFoundError:
                pass  # whoever had it has just given it its own name
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def recall(self) -> None:
        """See how far an earlier transfer came."""
        have, etag = self._noted()
        if not 0 < have <= os.fstat(self._file.fileno()).st_size:
            self.restart()
            return
        self._file.seek(0)
        left = have
        while left and (data := self._file.read(min(left, BLOCK))):
            self._hash.update(data)
            left -= len(data)
        self._file.truncate(have)
        self.have = self._saved = have
        self.etag = etag

    def _noted(self) -> tuple[int, str]:
        """Bytes and etag, as they were noted; 0 if nothing can be made of the note."""
        try:
            noted = json.loads(self._note.read_bytes())
            have, etag = noted["have"], noted["etag"]
            known = noted["source"] == self._source
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""
        if not known or not isinstance(have, int) or not isinstance(etag, str):
            return 0, ""
        return have, etag

    def restart(self) -> None:
        """Forget what came."""
        self._file.truncate(0)
        self._file.seek(0)
        self._note.unlink(missing_ok=True)
        self._hash = hashlib.sha256()
        self.have = self._saved = 0
        self.etag = ""

    def add(self, data: bytes) -> None:
        """Keep what came next. Raises as ``failure_of``."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
            self._hash.update(data)
            self.have += len(data)
            if self.have - self._saved >= SAVED:
                self._save()
        except OSError as error:
            raise failure_of(error, self._target) from None
        finally:
            del data

    def _save(self) -> None:
        have = self.have
        os.fsync(self._file.fileno())  # before the note that says so
        noted = {"source": self._source, "etag": self.etag, "have": have}
        new = self._note.with_name(self._note.name + ".new")
        new.write_text(json.dumps(noted), "utf-8")
        new.replace(self._note)
        self._saved = have

    @property
    def digest(self) -> str:
        """The SHA-256 of what came, hexadecimal."""
        return self._hash.hexdigest()

    def finish(self, modified_at: float, *, replace: bool) -> None:
        """Give it its own name, on the disk, with the mode of the file that it replaces.

        Raises ``Conflict`` if there is a file and ``replace`` is not so; as ``failure_of``.
        """
        try:
            descriptor = self._file.fileno()
            try:
                os.fchmod(descriptor, stat.S_IMODE(self._target.stat().st_mode))
            except FileNotFoundError:
                pass
            os.utime(descriptor, (modified_at, modified_at))
            os.fsync(descriptor)
            if replace:
                self._part.replace(self._target)
            else:
                self._link()
            self._finished = True  # from here on the name may be another's
            _sync_directory(self._target.parent)
            self._note.unlink(missing_ok=True)
        except OSError as error:
            raise failure_of(error, self._target) from None

    def _link(self) -> None:
        try:
            self._target.hardlink_to(self._part)
        except FileExistsError:
            raise Conflict(f"'{self._target}' is there already; it was left") from None
        self._part.unlink()

    def close(self, *, keep: bool) -> None:
        """Let go; what came stays for the next transfer if it is to be kept and worth it."""
        try:
            if self._finished:
                return
            if keep and self.have >= RESUMABLE:
                self._save()
            else:
                self._part.unlink(missing_ok=True)
                self._note.unlink(missing_ok=True)
        except OSError:
            pass  # the transfer's own end is what counts
        finally:
            self._file.close()


def _short(name: str) -> str:
    """The name, or what stands for it where a longer one would not be taken."""
    room = _LONGEST - len(PART) - len(".json.new")
    if len(os.fsencode(name)) <= room:
        return name
    return hashlib.sha256(os.fsencode(name)).hexdigest()


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
