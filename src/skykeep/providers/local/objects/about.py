"""What is kept beside a body: a small file of its own, found by the body's identity.

It is named by the key, and by the size and the time of the body that it belongs to; a
nanosecond is chosen for each body that no other of this key and size has. So a body that
others replace or change loses what we kept of the one before, and one that is restored with
its time (``cp -a``, ``rsync -a``) has it again: the inode is another then, and not asked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from skykeep.errors import Corrupt
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Checksum, ObjectInfo
from skykeep.providers.local.objects.layout import ABOUT, FILE, read_range

FORMAT: Final = 1
_LIMIT: Final = 1024 * 1024


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept beside a body, as JSON.

    Attributes:
        key: whose it is.
        content_type, metadata, tags: as they were given.
        sha256: of the body, hexadecimal; None where it was not computed.
        format: the version of this form.
    """

    key: str
    content_type: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    sha256: str | None = None
    format: int = FORMAT


class Identity(NamedTuple):
    """Which file it is: it changes whenever the file is replaced or written.

    Attributes:
        size: bytes.
        time: of the last change, nanoseconds since 1970.
        inode: the file system's number of the file.
    """

    size: int
    time: int
    inode: int

    @property
    def etag(self) -> str:
        """As an etag: a listing needs to open nothing."""
        return f"{self.time:x}-{self.size:x}-{self.inode:x}"


def identity_of(found: os.stat_result) -> Identity:
    """The identity of a file."""
    return Identity(found.st_size, found.st_mtime_ns, found.st_ino)


class Place(NamedTuple):
    """Where what belongs to a key is kept.

    Attributes:
        shard: 0 to 255; which of the locks guards it.
        stem: what the names of its files begin with.
    """

    shard: int
    stem: str

    @property
    def directory(self) -> str:
        """Relative to our own directory."""
        return f"{ABOUT}/{self.shard:02x}"

    def name(self, identity: Identity) -> str:
        """The file that belongs to a body."""
        return f"{self.stem}{identity.size:x}-{identity.time:x}"


def place_of(key: str) -> Place:
    """Where what belongs to this key is kept."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Place(int(digest[:2], 16), f"{digest[2:42]}-")


def read_about(own: int, key: str, identity: Identity) -> About | None:
    """What is kept beside this body, or None. Raises ``Corrupt``, ``OSError``."""
    place = place_of(key)
    name = f"{place.directory}/{place.name(identity)}"
    try:
        descriptor = os.open(name, FILE, dir_fd=own)
    except FileNotFoundError:
        return None
    try:
        text = read_range(descriptor, 0, _LIMIT)
    finally:
        os.close(descriptor)
    with suppress(msgspec.MsgspecError):
        about = msgspec.json.decode(text, type=About)
        if about.key == key and about.format == FORMAT:
            return about
    raise Corrupt(
        f"what is kept beside the object {shown(key)} is damaged or of a newer skykeep "
        f"(.skykeep/{name})",
        hint="the body is untouched: without that file it is read as a plain one",
    )


def info_of(
    key: str, identity: Identity, about: About | None, *, listed: bool = False
) -> ObjectInfo:
    """What is known of an object; of a file that others put there, what the file tells."""
    metadata: Mapping[str, str] = {}
    checksums: dict[Checksum, str] = {}
    content_type = None
    if about is not None and not listed:
        content_type, metadata = about.content_type, about.metadata
        if about.sha256 is not None:
            checksums["sha256"] = about.sha256
    return ObjectInfo(
        key,
        identity.size,
        identity.etag,
        _moment(identity.time),
        content_type,
        metadata,
        None,
        checksums,
    )


def _moment(time: int) -> datetime:
    try:
        return datetime.fromtimestamp(time // 1_000_000_000, UTC).replace(
            microsecond=time // 1000 % 1_000_000
        )
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)  # years that only file systems have
