"""What happens to Secrets while it happens: metadata only, no values.

"Kubernetes API Concepts", "Efficient detection of changes" and "Watch bookmarks": a listing
says which state it shows, a watch tells what has happened since then, and bookmarks how far it
has come. A watch whose beginning the server no longer knows (410) begins with another listing;
what is different from what was told is told.

This belongs to the driver: the portable interface has no such thing.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from skykeep.errors import SkykeepError, Throttled, Unavailable
from skykeep.interfaces.secret_driver import SecretInfo
from skykeep.providers.kubernetes.calls import Calls
from skykeep.providers.kubernetes.errors import error_of
from skykeep.providers.kubernetes.objects import Meta, Partial
from skykeep.providers.wire import Reply, Stream

_T = TypeVar("_T")

Kind = Literal["added", "changed", "deleted"]

PAGE: Final = 500
"""Secrets that are listed at once; what kubectl asks for."""
SECONDS: Final = 300
"""The server ends a watch after so long; client-go asks for five to ten minutes."""
SILENCE: Final = SECONDS + 30.0
"""Seconds without a word after which a watch is given up: the other end is gone."""
LONGEST: Final = 30.0
"""Seconds that are waited at most before a watch is opened again."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has happened to one secret.

    Attributes:
        kind: what. ``changed`` may be the value or what stands beside it: the version tells.
        info: as ``describe`` gives it; of a deleted one the last that was known.
    """

    kind: Kind
    info: SecretInfo


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct, rename="camel"):
    resource_version: str


class _Marked(msgspec.Struct):
    metadata: _Bookmark


class _Code(msgspec.Struct):
    code: int = 0


class _TooOld(Exception):
    """The server does not know the beginning of the watch any more."""


class Changes:
    """An async iterator of changes; never ends by itself. Begins with what is there.

    A watch that ends, breaks or is too old is opened again, with growing waits while the
    server does not answer. What is refused (``Denied``, ``Unauthenticated``) is raised, and
    so is everything until the first listing is there.

    Holds a connection of the driver. Close it, or use it as an async context manager.
    """

    def __init__(
        self,
        calls: Calls,
        look: Callable[[Meta], SecretInfo | None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``look`` gives what is known of an object; None if it is none of those watched."""
        self._calls = calls
        self._look = look
        self._sleep = sleep
        self._jitter = jitter
        self._known: dict[str, tuple[Meta, SecretInfo]] = {}
        self._told: deque[Change] = deque()
        self._version = ""
        self._stream: Stream | None = None
        self._begun = self._closed = False
        self._failures = 0

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> Change:
        while not self._told:
            if self._closed:
                raise StopAsyncIteration
            try:
                await self._more()
            except _TooOld:
                self._hang_up()
                self._version = ""
                await self._wait()
            except (Unavailable, Throttled) as error:
                self._hang_up()
                if self._closed:
                    raise StopAsyncIteration from None
                if not self._begun:
                    raise
                await self._wait(error)
        return self._told.popleft()

    async def __aenter__(self) -> Changes:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. May be called twice; iteration ends."""
        self._closed = True
        self._told.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    async def _wait(self, error: SkykeepError | None = None) -> None:
        """Exponential from one event to the next, with full jitter; not shorter than the
        server asks for."""
        wait = self._jitter() * min(LONGEST, 0.1 * 2.0 ** min(self._failures, 16))
        self._failures += 1
        asked = error.retry_after if isinstance(error, Throttled) else None
        await self._sleep(max(wait, asked or 0.0))

    async def _more(self) -> None:
        """One step: the listing, the opening of a watch, or an event of it."""
        if not self._version:
            await self._list()
        elif self._stream is None:
            await self._open()
        else:
            line = await self._stream.line()
            if line is None:
                self._hang_up()  # its time is up: it goes on where it was
                await self._wait()
            elif line:
                self._failures = 0
                self._event(line)

    async def _list(self) -> None:
        seen: set[str] = set()
        token = version = ""
        while True:
            page = await self._calls.page(token, PAGE)
            # That of the first page: what a later one shows as well is told once.
            version = version or page.metadata.version
            for found in page.items or ():
                seen.add(found.metadata.name)
                self._there(found.metadata)
            token = page.metadata.continue_
            if not token:
                break
        for name in self._known.keys() - seen:
            self._gone(name)
        self._version = version
        self._begun = True

    async def _open(self) -> None:
        stream = await self._calls.watch(self._version, SECONDS, SILENCE)
        if self._closed:
            stream.close()
            return
        self._stream = stream
        if stream.status < 300:
            return
        reply = await stream.whole()
        self._hang_up()
        if reply.status == 410:
            raise _TooOld
        raise error_of(reply)

    def _event(self, line: bytes) -> None:
        event = _read(line, _Event)
        if event.type == "BOOKMARK":
            self._version = _read(event.object, _Marked).metadata.resource_version
            return
        if event.type == "ERROR":
            code = _read(event.object, _Code).code
            if code == 410:
                raise _TooOld
            raise error_of(Reply(code, {}, bytes(event.object)))
        meta = _read(event.object, Partial).metadata
        self._version = meta.resource_version
        if event.type == "DELETED":
            self._gone(meta.name, meta.uid)
        else:
            self._there(meta)

    def _there(self, meta: Meta) -> None:
        if meta.deletion_timestamp is not None:
            self._gone(meta.name, meta.uid)
            return
        info = self._look(meta)
        if info is None:
            return
        before = self._known.get(meta.name)
        self._known[meta.name] = (meta, info)
        if before is None:
            self._told.append(Change("added", info))
        elif before[0].uid != meta.uid:
            self._told += (Change("deleted", before[1]), Change("added", info))
        elif before[0].resource_version != meta.resource_version:
            self._told.append(Change("changed", info))

    def _gone(self, name: str, uid: str | None = None) -> None:
        before = self._known.get(name)
        if before is not None and uid in (None, before[0].uid):
            del self._known[name]
            self._told.append(Change("deleted", before[1]))


def _read(text: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the text
    raise Unavailable(
        "what the watch tells is not an apiserver's",
        hint="check the server's address, and the proxies on the way",
    )
