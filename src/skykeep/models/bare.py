"""Objects ``NAME.onnx`` without a manifest, as others have put them there.

Nobody says what is in them. All of a download is one object's, by its etag; the hash is taken
when it is first loaded, and from then on the copy on this host is held to it. When the object
is replaced, the new one is taken, and that is said in the log.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from skykeep.errors import NotFound
from skykeep.models.layout import BARE, Layout
from skykeep.models.manifest import Manifest, ModelFile, digest, encode
from skykeep.models.reading import Described

if TYPE_CHECKING:
    from skykeep.interfaces.object_driver import ObjectInfo
    from skykeep.interfaces.objects import Objects


async def found(objects: Objects, layout: Layout, name: str) -> ObjectInfo | None:
    """What is known of the bare object; None if there is none."""
    try:
        return await objects.head(layout.bare(name))
    except NotFound:
        return None


def version_of(info: ObjectInfo) -> str:
    """What stands for a version: equal for equal etags."""
    return f"bare-{hashlib.sha256(info.etag.encode()).hexdigest()[:16]}"


def part_of(store: str, info: ObjectInfo) -> str:
    """What its download is called."""
    told = "\0".join((store, info.key, info.etag, str(info.size)))
    return f"bare-{hashlib.sha256(told.encode()).hexdigest()}"


def described(name: str, info: ObjectInfo, sha256: str) -> Described:
    """The manifest that it would have. Nothing of it is written to the store."""
    file = ModelFile(f"{name.rpartition('/')[2]}{BARE}", info.size, sha256)
    manifest = Manifest(
        name=name,
        version=version_of(info),
        kind="file",
        files=(file,),
        created=info.modified_at,
    )
    body = encode(manifest)
    return Described(manifest, body, digest(body))
