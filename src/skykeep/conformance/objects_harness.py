"""The harness: what the suite of objects must know of a driver to test it."""

from __future__ import annotations

import asyncio
import ssl
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.interfaces.object_keys import MAX_KEY_BYTES

MEBIBYTE = 1024 * 1024


class ObjectsHarness(ABC):
    """Opens one driver on one empty store. Each case gets a harness of its own.

    Attributes:
        persistent: :meth:`reopen` is there: the store outlives the driver.
        largest: the largest body that cases may write, bytes; at the driver's own limit or
            above, the limit is tested to the byte. Cases of parts need three of the least
            that the store takes.
        many: how many objects a case may write, to see a listing of several pages; lower it
            where each costs money or time.
        most_segments: keys of up to this many segments must be kept; deeper ones may be
            ``Invalid``.
        longest_key: keys of up to this many bytes must be kept, and longer ones may be
            ``Invalid``; lower it where the store's own prefix needs room.
        presign_headers: what others must send with a presigned write, as in Azure's
            ``x-ms-blob-type``.
        presign_checked: whether what the test stands on refuses a URL that was changed; an
            emulator may take any.
        most_rules: how many lifecycle rules of one age each the bucket takes, to the rule; None
            where that is not to be tried.
        least_infrequent_days: the least ``infrequent_after_days`` that the store takes.
        ends_uploads_below: lifecycle rules of a prefix may end uploads; off, only that of the
            whole bucket may, and another is ``Invalid``.
        region: what the driver must tell of the store under test; None is nothing.
        trust: what TLS connections to a presigned URL are checked with; None is the system's.
        directory: an empty directory of this case alone.
    """

    persistent: ClassVar[bool] = False
    largest: ClassVar[int] = 16 * MEBIBYTE
    many: ClassVar[int] = 1100
    most_segments: ClassVar[int] = 512
    longest_key: ClassVar[int] = MAX_KEY_BYTES
    presign_headers: ClassVar[Mapping[str, str]] = {}
    presign_checked: ClassVar[bool] = True
    most_rules: ClassVar[int | None] = None
    least_infrequent_days: ClassVar[int] = 1
    ends_uploads_below: ClassVar[bool] = True
    region: str | None = None
    trust: ssl.SSLContext | None = None

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @abstractmethod
    async def open(self) -> ObjectDriver:
        """The driver under test, on an empty store. Called once.

        Where a store is shared between cases, open it under a fresh ``objects_prefix`` or in
        a bucket of its own.
        """

    async def reopen(self) -> ObjectDriver:
        """Another driver over the same store, the first one still open."""
        raise NotImplementedError(f"{type(self).__name__} is persistent and has no reopen()")

    async def close(self) -> None:  # noqa: B027  (many stores need no cleaning: not abstract)
        """Close every driver that was opened and remove what they left."""

    def without(self, capability: str) -> ObjectsHarness | None:
        """A harness whose driver lacks the capability (a flag's name), or None.

        Give one where the driver can be configured so; the cases of the missing capability
        are skipped elsewhere. ``storage_classes`` is lacking where it is empty.
        """
        return None

    async def fill(self, key: str, data: bytes) -> None:
        """Put an object into the store by other means than a driver that cannot write."""
        raise NotImplementedError(f"{type(self).__name__} cannot write and has no fill()")

    async def plant_rule(self) -> None:
        """Give the bucket a lifecycle rule of somebody else, by other means than the driver."""
        raise NotImplementedError(f"{type(self).__name__} has lifecycle and no plant_rule()")

    async def planted_rules(self) -> object:
        """The rules of others, as other means show them; to be compared."""
        raise NotImplementedError(f"{type(self).__name__} has no planted_rules()")

    async def fetch(
        self, url: str, method: str = "GET", data: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status and body of a presigned request, as somebody without credentials makes it."""
        return await asyncio.to_thread(self._fetch, url, method, data)

    def _fetch(self, url: str, method: str, data: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "", **self.presign_headers} if method == "PUT" else {}
        request = urllib.request.Request(  # noqa: S310  (the driver's own URL, http or https)
            url, data=data, method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(  # noqa: S310  (see above)
                request, timeout=60, context=self.trust
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


class MakesObjectsHarness(Protocol):
    """A subclass of ``ObjectsHarness``, or a function."""

    def __call__(self, directory: Path, /) -> ObjectsHarness:
        """A harness that is not yet opened, with an empty directory of its own."""
        ...
