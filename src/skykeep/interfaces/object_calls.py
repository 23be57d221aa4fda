"""The calls that operations on objects are made of; each goes through the layers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from skykeep.interfaces.call import Call, Effect, Front, Target
from skykeep.interfaces.object_driver import (
    Condition,
    Fragment,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)
from skykeep.interfaces.object_keys import check_key
from skykeep.interfaces.object_reading import ReadRange
from skykeep.interfaces.object_sealing import ObjectSealing
from skykeep.interfaces.object_writing import MARK, Store

T = TypeVar("T")
Work = Callable[[ObjectDriver], Awaitable[T]]


class ObjectCalls:
    """Makes calls about the objects of one scope."""

    def __init__(self, front: Front, scope: str, sealing: ObjectSealing | None = None) -> None:
        self.scope = scope
        self._front = front
        self._sealing = sealing

    def resource(self, key: str) -> str:
        """The key with its scope. Raises ``Invalid``."""
        check_key(key)
        return check_key(self.scope + key) if self.scope else key

    def shown(self, info: ObjectInfo) -> ObjectInfo:
        """What the application is told of what a store tells of an object."""
        return self._ours(info if self._sealing is None else self._sealing.told(info))

    def listed(self, infos: Sequence[ObjectInfo]) -> Sequence[ObjectInfo]:
        """What the application is told of a page of a listing."""
        if self._sealing is None and not self.scope:
            # As they are, but for the mark; most listings tell no metadata.
            return [self._ours(info) if info.metadata else info for info in infos]
        return [self.shown(info) for info in infos]

    def _ours(self, info: ObjectInfo) -> ObjectInfo:
        """With the key that the application knows, and without our own mark."""
        key = info.key[len(self.scope) :]
        if MARK not in info.metadata:
            return info if key == info.key else replace(info, key=key)
        metadata = {name: value for name, value in info.metadata.items() if name != MARK}
        return replace(info, key=key, metadata=metadata)

    def reader(self, resource: str) -> ReadRange:
        """Reads ranges of this object, for one reader."""

        async def stored(at: int, wanted: int, etag: str | None) -> Fragment:
            return await self.call(
                "objects.get",
                resource,
                Effect.READ,
                lambda driver: driver.read(resource, start=at, length=wanted, if_match=etag),
                idempotent=True,
                size=wanted,
            )

        read = stored if self._sealing is None else self._sealing.reader(resource, stored)

        async def shown(at: int, wanted: int, etag: str | None) -> Fragment:
            fragment = await read(at, wanted, etag)
            return Fragment(self._ours(fragment.info), fragment.start, fragment.data)

        return shown

    async def head(self, resource: str) -> ObjectInfo:
        """What the application is told without the body. Raises ``NotFound``."""
        sealing = self._sealing
        if sealing is None or not sealing.peek:
            return self.shown(await self._head(resource))
        beginning = await self.call(
            "objects.head",
            resource,
            Effect.READ,
            lambda driver: driver.read(resource, start=0, length=sealing.peek),
            idempotent=True,
        )
        return self._ours(sealing.told(beginning.info, beginning.data))

    async def _head(self, resource: str) -> ObjectInfo:
        return await self.call(
            "objects.head",
            resource,
            Effect.READ,
            lambda driver: driver.head(resource),
            idempotent=True,
        )

    def store(self, resource: str) -> Store:
        """The calls that a write of this object is made of."""

        async def write(
            data: bytes, attributes: ObjectAttributes, condition: Condition
        ) -> ObjectInfo:
            try:
                return await self.call(
                    "objects.put",
                    resource,
                    Effect.WRITE,
                    lambda driver: driver.write(resource, data, attributes, condition),  # noqa: F821  (deleted after the call)
                    # A conditional one that is sent again is known by its mark.
                    idempotent=condition.empty or MARK in attributes.metadata,
                    size=len(data),
                )
            finally:
                del data  # no traceback shows a body

        async def begin(attributes: ObjectAttributes) -> str:
            return await self.call(
                "objects.put",
                resource,
                Effect.WRITE,
                lambda driver: driver.begin_upload(resource, attributes),
            )

        async def part(upload: str, number: int, data: bytes) -> str:
            try:
                return await self.call(
                    "objects.put",
                    resource,
                    Effect.WRITE,
                    lambda driver: driver.write_part(resource, upload, number, data),  # noqa: F821  (see above)
                    idempotent=True,
                    size=len(data),
                )
            finally:
                del data

        async def complete(
            upload: str, parts: list[str], condition: Condition, *, marked: bool
        ) -> ObjectInfo:
            return await self.call(
                "objects.put",
                resource,
                Effect.WRITE,
                lambda driver: driver.complete_upload(resource, upload, parts, condition),
                idempotent=marked,  # what was completed is known by its mark
            )

        async def abort(upload: str) -> None:
            await self.call(
                "objects.put",
                resource,
                Effect.WRITE,
                lambda driver: driver.abort_upload(resource, upload),
                idempotent=True,
            )

        return Store(write, begin, part, complete, abort, lambda: self._head(resource))

    async def call(
        self,
        operation: str,
        resource: str,
        effect: Effect,
        work: Work[T],
        *,
        idempotent: bool = False,
        size: int = 0,
        also: tuple[str, ...] = (),
    ) -> T:
        """One call of a driver through the layers."""

        async def execute(target: Target) -> T:
            return await work(await target.driver("objects"))

        made = Call(
            operation, resource, effect, execute, idempotent=idempotent, size=size, also=also
        )
        return (await self._front(made)).value
