"""Files that are being written, where nobody sees them, and what the dead left of them.

A draft is locked by who writes it. What is not locked has no writer any more and is removed
by the next one who looks: nobody is asked how old it is.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from skykeep.providers.local.objects.about import Identity, identity_of
from skykeep.providers.local.objects.layout import DRAFTS, FILE, NEW, names_in, room

_DAY: Final = 86_400 * 1_000_000_000
_COARSEST: Final = 10_000_000_000
"""Nanoseconds; the coarsest times that a file system keeps are of two seconds (FAT)."""


class Draft:
    """A file that is open and not yet in its place.

    Attributes:
        descriptor: of the file, for reading and writing.
        directory: of the directory that it is in.
        name: in that directory.
    """

    def __init__(self, descriptor: int, directory: int, name: str) -> None:
        self.descriptor = descriptor
        self.directory = directory
        self.name = name

    def identity(self) -> Identity:
        """Its identity, which stays when it is moved."""
        return identity_of(os.fstat(self.descriptor))

    def stamp(self, after: Identity | None = None) -> Identity:
        """Give it a time of its own, later than that of the body that it replaces.

        Only a body that is dated more than a day ahead of the clock is not followed there.
        A file system may keep whole seconds only, or two: then the time is put ahead so far.
        """
        moment, step = time.time_ns(), 1
        if after is not None and 0 <= after.time - moment < _DAY:
            moment = after.time + step
        while True:
            os.utime(self.descriptor, ns=(moment, moment))
            identity = self.identity()
            if after is None or identity.time != after.time or step > _COARSEST:
                return identity
            moment += step
            step *= 10


@contextmanager
def draft(own: int) -> Iterator[Draft]:
    """A new empty file (0600); removed at the end, unless it was moved to its place."""
    with room(DRAFTS, own) as drafts:
        made = _made(drafts)
        try:
            yield made
        finally:
            with suppress(FileNotFoundError):
                os.unlink(made.name, dir_fd=drafts)
            os.close(made.descriptor)


def _made(drafts: int) -> Draft:
    while True:
        name = secrets.token_hex(16)
        descriptor = os.open(name, NEW, 0o600, dir_fd=drafts)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return Draft(descriptor, drafts, name)
        except BaseException:
            os.unlink(name, dir_fd=drafts)
            os.close(descriptor)
            raise
        os.close(descriptor)  # a sweep came between the two lines above


def sweep(own: int) -> None:
    """Remove the drafts that nobody writes any more."""
    with room(DRAFTS, own) as drafts:
        for name in names_in(drafts):
            try:
                descriptor = os.open(name, FILE, dir_fd=drafts)
            except OSError:
                continue  # it is in its place by now, or no draft
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # If it was moved to its place meanwhile there is no such name: names are
                # never used again.
                os.unlink(name, dir_fd=drafts)
            except (BlockingIOError, FileNotFoundError):
                pass
            finally:
                os.close(descriptor)
