"""Small files that skykeep itself wrote: authenticated with the key of the cache.

What they protect from: damage, files of another cache, and others who may write to the
directory but not read the key. Not from this user, nor from root: who may read the key can
make records.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from skykeep.envelope.digests import hmac_sha256
from skykeep.models.cache.directory import Directory, read

MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
_MAC_BYTES: Final = 32

T = TypeVar("T")


def write(directory: Directory, path: Path, kind: bytes, value: object) -> None:
    """Replace the record. ``kind`` keeps records of one kind from passing as another's."""
    body = msgspec.json.encode(value)
    directory.replace(path, hmac_sha256(directory.open(), kind + b"\0" + body) + body)


def parsed(directory: Directory, path: Path, kind: bytes, shape: type[T]) -> T | None:
    """What was written; None if there is none, or if it is not authentic."""
    found = read(path, MAX_RECORD_BYTES)
    if found is None:
        return None
    mac, body = found[:_MAC_BYTES], found[_MAC_BYTES:]
    if not hmac.compare_digest(mac, hmac_sha256(directory.open(), kind + b"\0" + body)):
        return None
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError:
        return None
