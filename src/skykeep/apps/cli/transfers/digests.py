"""SHA-256 of bodies: made of files, found with objects.

A store tells a checksum of its own kind, or none. So that an object can be held against a
file without reading it, what is uploaded keeps its SHA-256 as the metadata ``sha256``.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from skykeep.apps.cli.transfers.files import failure_of
from skykeep.interfaces.object_driver import ObjectCapabilities, ObjectInfo
from skykeep.interfaces.object_writing import MARK_BYTES

NAME: Final = "sha256"
BLOCK: Final = 8 * 1024 * 1024
"""Bytes that are read and hashed at once, between two chances to be interrupted."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


async def of_file(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal. Raises as ``failure_of``."""
    made = hashlib.sha256()

    def block(at: int) -> int:
        try:
            with path.open("rb") as file:
                file.seek(at)
                data = file.read(BLOCK)
        except OSError as error:
            raise failure_of(error, path) from None
        made.update(data)
        return len(data)

    at = 0
    while done := await asyncio.to_thread(block, at):
        at += done
    return made.hexdigest()


def known_of(info: ObjectInfo) -> str | None:
    """The SHA-256 that is known of an object: by the store, else by its metadata."""
    told = info.checksums.get("sha256") or info.metadata.get(NAME, "")
    return told if _DIGEST.fullmatch(told) else None


def kept_with(
    metadata: Mapping[str, str], digest: str, can: ObjectCapabilities
) -> Mapping[str, str]:
    """The metadata with the digest, where the store has room for it."""
    if not can.metadata or NAME in metadata:
        return metadata
    size = sum(len(name) + len(value) for name, value in metadata.items()) + MARK_BYTES
    if size + len(NAME) + len(digest) > can.max_metadata_bytes:
        return metadata
    return {**metadata, NAME: digest}
