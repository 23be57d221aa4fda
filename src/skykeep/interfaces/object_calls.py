"""The calls that operations on objects are made of; each goes through the layers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from skykeep.interfaces.call import Call, Effect, Front, Target
from skykeep.interfaces.object_driver import (
    Condition,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)
from skykeep.interfaces.object_keys import check_key
from skykeep.interfaces.object_writing import MARK, Store

T = TypeVar("T")
Work = Callable[[ObjectDriver], Awaitable[T]]


class ObjectCalls:
    """Makes calls about the objects of one scope."""

    def __init__(self, front: Front, scope: str) -> None:
        self.scope = scope
        self._front = front

    def resource(self, key: str) -> str:
        """The key with its scope. Raises ``Invalid``."""
        check_key(key)
        return check_key(self.scope + key) if self.scope else key

    def shown(self, info: ObjectInfo) -> ObjectInfo:
        """With the key that the application knows, and without our own mark."""
        key = info.key[len(self.scope) :]
        if MARK not in info.metadata:
            return info if key == info.key else replace(info, key=key)
        metadata = {name: value for name, value in info.metadata.items() if name != MARK}
        return replace(info, key=key, metadata=metadata)

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

        async def head() -> ObjectInfo:
            return await self.call(
                "objects.head",
                resource,
                Effect.READ,
                lambda driver: driver.head(resource),
                idempotent=True,
            )

        return Store(write, begin, part, complete, abort, head)

    async def call(
        self,
        operation: str,
        resource: str,
        effect: Effect,
        work: Work[T],
        *,
        idempotent: bool = False,
        size: int = 0,
    ) -> T:
        """One call of a driver through the layers."""

        async def execute(target: Target) -> T:
            return await work(await target.driver("objects"))

        made = Call(operation, resource, effect, execute, idempotent=idempotent, size=size)
        return (await self._front(made)).value
