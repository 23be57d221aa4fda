"""SHA-256 of objects that are put together from parts, computed as the parts are written.

Reading many gigabytes again at the end would take longer than a call may. So whoever writes
all the parts of an upload has the digest at its end; who goes on with another's upload has
none. What was hashed is known by the parts' tokens, which are made of their bytes: parts
that were sent again and differ, or are not all named at the end, give no digest and never a
wrong one.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

UPLOADS: Final = 16
"""Uploads whose digests are computed at once."""
AHEAD: Final = 32 * 1024 * 1024
"""Bytes of parts that came before their turn and are held until it comes."""


class _Running:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.hash = hashlib.sha256()
        self.tokens: list[str] = []
        self.early: dict[int, tuple[str, bytes]] = {}
        self.given_up = False

    def add(self, number: int, token: str, data: bytes) -> None:
        with self.lock:
            if self.given_up or number <= len(self.tokens):
                return  # sent again: if it differs, its token does
            self.early[number] = token, data
            while (following := self.early.pop(len(self.tokens) + 1, None)) is not None:
                self.tokens.append(following[0])
                self.hash.update(following[1])
            if sum(len(held) for _, held in self.early.values()) > AHEAD:
                self.given_up = True
                self.early.clear()


class Digests:
    """The digests of one driver's uploads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[str, _Running] = OrderedDict()

    def begin(self, upload: str) -> None:
        """An upload begins."""
        with self._lock:
            self._running[upload] = _Running()
            while len(self._running) > UPLOADS:
                self._running.popitem(last=False)

    def add(self, upload: str, number: int, token: str, data: bytes) -> None:
        """A part was written."""
        running = self._running.get(upload)
        if running is not None:
            running.add(number, token, data)

    def of(self, upload: str, tokens: Sequence[str]) -> str | None:
        """The digest of the object that these parts make, in hexadecimal; None if not known."""
        running = self._running.get(upload)
        if running is None:
            return None
        with running.lock:
            return running.hash.hexdigest() if running.tokens == list(tokens) else None

    def end(self, upload: str) -> None:
        """The upload has ended."""
        with self._lock:
            self._running.pop(upload, None)
