"""What is told of a sealed object: its body's size, and no checksums of ciphertext."""

from __future__ import annotations

from skykeep.envelope.sealed_object import (
    CHUNK,
    HEADER_BYTES,
    SEALED_CHUNK,
    TAG_BYTES,
    is_sealed_object,
    plain_size,
)
from skykeep.interfaces.object_driver import ObjectInfo


def told(info: ObjectInfo, beginning: bytes | None = None) -> ObjectInfo:
    """Of a sealed object, with ``beginning`` or without; else as it is.

    Without it, what has the size of a sealed object is taken for one.
    """
    size = plain_size(info.size)
    if size is None or (beginning is not None and not is_sealed_object(beginning)):
        return info
    # Not replace(): it takes longer than opening a small body, and a listing has many.
    return ObjectInfo(
        info.key,
        size,
        info.etag,
        info.modified_at,
        info.content_type,
        info.metadata,
        info.storage_class,
    )


def body_bytes(sealed: int) -> int:
    """How much of a body is in the first so many bytes of its sealed object, or has room
    there."""
    chunks, rest = divmod(max(0, sealed - HEADER_BYTES), SEALED_CHUNK)
    return chunks * CHUNK + max(0, rest - TAG_BYTES)
