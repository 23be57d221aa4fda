"""Everything that is sealed, moved under the newest key; while others read and write.

An object keeps its salt, its data key and its body: only the header is written anew, with the
body as it is, if the object is still the one that was looked at. A reader in the middle of it
goes on (``bodies.Opening``). A secret gets a new version; its older ones stay as they are.

Nothing is remembered of a run: what is under the newest key already is passed over, so that a
run that was ended goes on when it is begun again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from skykeep.envelope.sealed_object import (
    HEADER_BYTES,
    MAGIC,
    ObjectKey,
    is_sealed_object,
    parse_header,
)
from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import Conflict, Corrupt, NotFound, SkykeepError
from skykeep.interfaces.call import Call, Effect, Front, Target
from skykeep.interfaces.object_driver import ObjectInfo
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.secrets import Secrets
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.sealing.encryption import Encryption
from skykeep.sealing.objects import ObjectSealer
from skykeep.sealing.secrets import SealedSecrets, SecretSealer

SECRETS_AT_ONCE: Final = 8
OBJECTS_AT_ONCE: Final = 2
"""Each holds as much as a copy does: some 60 MiB of a large object."""
TRIES: Final = 3
"""What is written by others again and again is left to the next run."""


@dataclass(slots=True)
class Count:
    """What became of the secrets, or of the objects.

    Attributes:
        moved: they are under the newest key now.
        newest: they were.
        gone: they were removed meanwhile.
        failed: they are as they were; the errors by name or key.
    """

    moved: int = 0
    newest: int = 0
    gone: int = 0
    failed: dict[str, SkykeepError] = field(default_factory=dict)


@dataclass(slots=True)
class Rewrapped:
    """What became of everything."""

    secrets: Count = field(default_factory=Count)
    objects: Count = field(default_factory=Count)


RewrapProgress = Callable[[Rewrapped], None]
"""Told what was done so far, after each secret and object."""

Outcome = Literal["moved", "newest", "gone"]


class Rewrapping:
    """One run.

    Attributes:
        done: what became of everything so far.
    """

    def __init__(
        self, encryption: Encryption, scope: str, progress: RewrapProgress | None
    ) -> None:
        """``scope`` is what names and keys have before them in the stores."""
        self.done = Rewrapped()
        self._encryption = encryption
        self._scope = scope
        self._progress = progress

    async def secrets(self, secrets: Secrets, front: Front, prefix: str) -> None:
        """Move the current values of the secrets under the prefix; ``front`` is their stack.

        Raises as ``objects``.
        """
        if (sealer := self._encryption.secrets) is not None:
            those = _Secrets(secrets, sealer, front, self._scope)
            await self._all(those, prefix, self.done.secrets)

    async def objects(self, sealed: Objects, stored: Objects, prefix: str) -> None:
        """Move the objects under the prefix; ``stored`` shows them as the store has them.

        What fails is counted, and the others go on. Raises what listing them raises, and
        ``KeyFailure`` if the newest key cannot be asked for.
        """
        if (sealer := self._encryption.objects) is not None:
            those = _Objects(stored, sealed, sealer, self._scope)
            await self._all(those, prefix, self.done.objects)

    async def _all(self, those: _Secrets | _Objects, prefix: str, count: Count) -> None:
        newest = await those.keks.newest()

        async def one(name: str) -> None:
            try:
                outcome = await _tried(lambda: those.rewrap(name, newest))
            except SkykeepError as error:
                count.failed[name] = error
            else:
                setattr(count, outcome, getattr(count, outcome) + 1)
            if self._progress is not None:
                self._progress(self.done)

        async for names in those.pages(prefix):
            await side_by_side(one, names, those.at_once)


class _Secrets:
    """The current values of secrets."""

    def __init__(
        self, secrets: Secrets, sealer: SecretSealer, front: Front, scope: str
    ) -> None:
        self.keks = sealer.keks
        self.at_once = SECRETS_AT_ONCE
        self._secrets = secrets
        self._front = front
        self._scope = scope

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        """Their names."""
        listing = self._secrets.list(prefix)
        while (page := await listing.next_page()) is not None:
            yield [info.name for info in page]

    async def rewrap(self, name: str, newest: str) -> bool:
        """Move one; whether it had to be. Raises what reading and writing it raises."""
        resource = self._scope + name

        async def send(target: Target) -> bool:
            driver: SealedSecrets = await target.driver("secrets")
            return await driver.rewrap(resource, newest)

        # Sent again, it finds what it wrote, and that is under the newest key.
        call = Call("secrets.rewrap", resource, Effect.WRITE, send, idempotent=True)
        return (await self._front(call)).value


class _Objects:
    """Objects, as their store has them."""

    def __init__(
        self, stored: Objects, sealed: Objects, sealer: ObjectSealer, scope: str
    ) -> None:
        """``stored`` shows ciphertext, ``sealed`` what applications see."""
        self.keks = sealer.keks
        self.at_once = OBJECTS_AT_ONCE
        self._stored = stored
        self._sealed = sealed
        self._reads_plain = bool(sealer.peek)
        self._scope = scope
        self._moved: dict[WrappedKey, WrappedKey] = {}

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        """Their keys."""
        listing = self._stored.list(prefix)
        while (page := await listing.next_page()) is not None:
            yield [info.key for info in page.items]

    async def rewrap(self, key: str, newest: str) -> bool:
        """Move one; whether it had to be. Raises what reading and writing it raises."""
        found = await self._stored.get(key, length=HEADER_BYTES)
        if not is_sealed_object(found.data[: len(MAGIC)]):
            return await self._seal(key, found.info)
        header = parse_header(found.data)
        if self.keks.is_newest(header.key, newest):
            return False
        dek = await self.keks.to_open(header.key)
        own = ObjectKey(dek.reveal(), self._scope + key, header.salt)
        own.check(header)
        beginning = own.header(await self._wrapped_anew(header.key, newest))
        await self._write(self._stored, key, found.info, beginning)
        return True

    async def _wrapped_anew(self, key: WrappedKey, newest: str) -> WrappedKey:
        """One call for all objects under one data key."""
        moved = self._moved.get(key)
        if moved is None:
            moved = self._moved[key] = await self.keks.rewrapped(key, newest)
        return moved

    async def _seal(self, key: str, info: ObjectInfo) -> bool:
        """Seal a plain object, where plain ones may be read."""
        if not self._reads_plain:
            raise Corrupt(
                "this object is not encrypted, and all objects of this store should be",
                hint="set 'plain: read' of 'encryption' while the store is being encrypted",
            )
        await self._write(self._sealed, key, info, b"")
        return True

    async def _write(self, into: Objects, key: str, info: ObjectInfo, beginning: bytes) -> None:
        can = await self._stored.capabilities()
        etag = info.etag

        async def body() -> AsyncIterator[bytes]:
            if beginning:
                yield beginning
            async with self._stored.stream(key, start=len(beginning), if_match=etag) as rest:
                async for chunk in rest:
                    yield chunk

        await into.put(
            key,
            body(),
            content_type=info.content_type if can.content_type else None,
            metadata=info.metadata,
            tags=await self._stored.tags(key) if can.tags else None,
            storage_class=info.storage_class if can.storage_classes else None,
            if_match=etag,
        )


async def _tried(work: Callable[[], Awaitable[bool]]) -> Outcome:
    """Again, if it was written by others in between."""
    for left in reversed(range(TRIES)):
        try:
            return "moved" if await work() else "newest"
        except NotFound:
            return "gone"
        except Conflict:
            if not left:
                raise
    raise AssertionError("the last try answers or raises")
