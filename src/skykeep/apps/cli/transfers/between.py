"""An object becomes another: by the store itself, or through here into another store."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from skykeep.apps.cli.transfers.bar import Bar
from skykeep.apps.cli.transfers.digests import kept_with, known_of
from skykeep.apps.cli.transfers.downloading import check
from skykeep.errors import Corrupt
from skykeep.interfaces.object_driver import ObjectInfo

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


async def copy(
    objects: Objects, source: str, key: str, bar: Bar, *, size: int, if_absent: bool = False
) -> ObjectInfo:
    """Copy within one store. Raises as ``Objects.copy``."""
    info = await objects.copy(source, key, if_absent=if_absent)
    bar.add(size)
    return info


async def carry(
    objects: Objects,
    source: str,
    into: Objects,
    key: str,
    bar: Bar,
    *,
    if_absent: bool = False,
) -> ObjectInfo:
    """Copy into another store, with what is kept beside the body as far as that store can.

    A body that is not what was kept does not become visible. The storage class is the other
    store's own. Raises as ``Objects.get`` and ``put``, ``Corrupt``.
    """
    can_read, can = await objects.capabilities(), await into.capabilities()
    async with objects.stream(source) as body:
        info = body.info
        tags = await objects.tags(source) if can_read.tags and can.tags else {}
        metadata = dict(info.metadata) if can.metadata else {}
        digest = known_of(info)

        async def checked() -> AsyncIterator[bytes]:
            made, count = hashlib.sha256(), 0
            async for chunk in body:
                made.update(chunk)
                count += len(chunk)
                bar.add(len(chunk))
                yield chunk
            check(info, count, made.hexdigest())

        written = await into.put(
            key,
            checked(),
            content_type=info.content_type if can.content_type else None,
            metadata=metadata if digest is None else kept_with(metadata, digest, can),
            tags=tags,
            if_absent=if_absent,
        )
    if written.size != info.size:
        raise Corrupt(
            f"':{key}' has {written.size:,} bytes where {info.size:,} were sent",
            hint="copy it again",
            resource=key,
        )
    return written
