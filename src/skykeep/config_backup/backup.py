"""``ConfigBackup``: the configuration file in a store of objects, and the way back.

::

    async with skykeep.open() as cloud:
        backups = ConfigBackup(cloud)
        made = await backups.backup()
        print(await backups.diff("latest"))
        await backups.restore(made.backup.name)

Keys are ``backups/config_YYYYMMDD_HHMMSS.yml`` in UTC; what is before ``config_`` is
``object_storage.backups_prefix``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from skykeep import registry
from skykeep.cloud import Cloud
from skykeep.config_backup.masking import Version, compared
from skykeep.config_backup.names import LATEST, Name, name_of, named, names_at
from skykeep.config_backup.placing import Present, look, replace
from skykeep.errors import ConfigError, Conflict, Corrupt, Invalid, NotFound, Problem
from skykeep.interfaces.object_driver import ObjectInfo
from skykeep.settings.files import MAX_BYTES
from skykeep.settings.shapes import read

__all__ = ["Backup", "BackupMade", "ConfigBackup", "Restored"]

DIGEST: Final = "sha256"
"""What the digest of a backup is called in its metadata."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup.

    Attributes:
        name: ``config_20261122_103000.yml``.
        key: with the prefix, as the store has it.
        at: when it was made, UTC, to the second.
        size: bytes.
    """

    name: str
    key: str
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class BackupMade:
    """What ``ConfigBackup.backup`` did.

    Attributes:
        backup: the one that has the file's content.
        new: False if the newest one had it already.
        sha256: of the content, in hexadecimal.
        removed: older ones that ``keep`` left no room for.
    """

    backup: Backup
    new: bool
    sha256: str
    removed: tuple[Backup, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """What ``ConfigBackup.restore`` did.

    Attributes:
        backup: the one that is in place.
        path: of the file, with links followed.
        changed: False if the file had that content already.
        saved: where the file before it is kept; None if there was none.
        verified: False if nobody keeps a digest of the backup: another program made it.
        unset: variables that the file needs and that are not set here.
    """

    backup: Backup
    path: Path
    changed: bool
    saved: Path | None
    verified: bool
    unset: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    data: bytes = field(repr=False)
    backup: Backup
    verified: bool


def _now() -> datetime:
    return datetime.now(UTC)


class ConfigBackup:
    """Backups of one configuration file in an environment's store of objects."""

    def __init__(
        self,
        cloud: Cloud,
        *,
        path: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """
        Args:
            cloud: where backups are kept.
            path: the file; by default the one that the cloud was opened with.
            environ: the variables that a restored file is checked with.
            clock: the time, with its zone.

        Raises ``ConfigError`` if there is no file.
        """
        path = cloud.environment.origin if path is None else path
        if path is None:
            raise ConfigError(
                "there is no configuration file: the embedded local vault is used",
                hint="name the file to be backed up or restored",
            )
        self.path = Path(path)
        self._objects = cloud.objects
        self._prefix = cloud.environment.object_storage.backups_prefix
        self._environ = os.environ if environ is None else environ
        self._clock = clock

    async def backup(self, *, force: bool = False, keep: int | None = None) -> BackupMade:
        """Keep the file as it is, byte for byte: variables stay variables.

        Args:
            force: make a backup even if the newest one has this content.
            keep: so many backups stay, the newest; at least 1. By default all do.

        Raises ``ConfigError`` if there is no file; ``Conflict`` if 99 were made in this
        second.
        """
        if keep is not None and keep < 1:
            raise Invalid(f"keep is at least 1, not {keep}")
        present = await asyncio.to_thread(look, self.path)
        if present.data is None:
            raise ConfigError(Problem(str(self.path), 0, "", "there is no such file"))
        digest = hashlib.sha256(present.data).hexdigest()
        there = await self.list()
        if there and not force and await self._digest_of(there[-1]) == digest:
            made = BackupMade(there[-1], new=False, sha256=digest)
        else:
            there = [*there, await self._put(present.data, digest)]
            made = BackupMade(there[-1], new=True, sha256=digest)
        removed = tuple(there[:-keep]) if keep is not None else ()
        errors = await self._objects.delete_many([each.key for each in removed])
        for error in errors.values():
            raise error
        return BackupMade(made.backup, made.new, digest, removed)

    async def list(self) -> Sequence[Backup]:
        """All backups, the oldest first."""
        parent = self._prefix.rpartition("/")[0]
        found: dict[Name, Backup] = {}
        async for info in self._objects.list(parent, delimiter=True):
            name = name_of(info.key.removeprefix(self._prefix))
            if name is not None and info.key.startswith(self._prefix):
                found[name] = self._backup(name, info)
        return [backup for _, backup in sorted(found.items())]

    async def find(self, name: str = LATEST) -> Backup:
        """The backup of that name; ``latest`` is the newest.

        It is named as listed, as its key, or without ``.yml``. Raises ``NotFound`` and
        ``Invalid``.
        """
        found = await self._named(name)
        info = await self._objects.head(f"{self._prefix}{found}")
        return self._backup(found, info)

    async def read(self, name: str = LATEST) -> bytes:
        """What a backup holds. Raises ``NotFound``; ``Corrupt`` if it is not what was kept."""
        return (await self._content(name)).data

    async def diff(self, before: str | None = LATEST, after: str | None = None) -> str:
        """What differs, as a unified diff; ``""`` if nothing does.

        None is the file as it is now. What is or may be secret is masked, and numbered, so
        that a change of it is seen. Raises ``NotFound``, ``Corrupt``; ``Invalid`` for a
        file that is no YAML: what of it may be shown cannot be told.
        """
        return compared(await self._version(before), await self._version(after))

    async def restore(self, name: str = LATEST) -> Restored:
        """Put a backup in the file's place, if it is whole and a configuration.

        The file before it is kept beside it as ``NAME.bak-YYYYMMDD_HHMMSS``. Raises
        ``NotFound``; ``Corrupt`` if it is not what was kept; ``ConfigError`` with all that
        is wrong with it; ``Conflict`` if the file is changed meanwhile. With all of these
        the file stays as it is.
        """
        content = await self._content(name)
        unset = self._checked(content)
        present = await asyncio.to_thread(look, self.path)
        saved = None
        if present.data != content.data:
            saved = await self._replaced(present, content.data)
        return Restored(
            content.backup,
            present.path,
            present.data != content.data,
            saved,
            content.verified,
            unset,
        )

    # -- the store

    async def _put(self, data: bytes, digest: str) -> Backup:
        can = await self._objects.capabilities()
        for name in names_at(self._clock()):
            key = f"{self._prefix}{name}"
            if not can.exclusive_create and await self._objects.exists(key):
                continue
            try:
                info = await self._objects.put(
                    key,
                    data,
                    content_type="application/yaml" if can.content_type else None,
                    metadata={DIGEST: digest} if can.metadata else None,
                    if_absent=can.exclusive_create,
                )
            except Conflict:
                continue  # another one of this second
            return self._backup(name, info)
        raise Conflict("99 backups were made in this second", hint="wait for the next one")

    async def _digest_of(self, backup: Backup) -> str:
        info = await self._objects.head(backup.key)
        digest = info.metadata.get(DIGEST) or info.checksums.get("sha256")
        return digest or hashlib.sha256(await self.read(backup.name)).hexdigest()

    async def _content(self, name: str) -> _Content:
        key = f"{self._prefix}{await self._named(name)}"
        # One byte more than there may be shows that there are more.
        found = await self._objects.get(key, length=MAX_BYTES + 1)
        if len(found.data) > MAX_BYTES:
            raise Corrupt(f"{key} is larger than 1 MiB: it is no configuration")
        expected = found.info.metadata.get(DIGEST) or found.info.checksums.get("sha256")
        if expected is not None and hashlib.sha256(found.data).hexdigest() != expected:
            raise Corrupt(
                f"{key} is not what was kept: its SHA-256 differs", hint="take another backup"
            )
        at = named(key, self._prefix)
        return _Content(found.data, self._backup(at, found.info), expected is not None)

    async def _named(self, name: str) -> Name:
        if name != LATEST:
            return named(name, self._prefix)
        there = await self.list()
        if not there:
            raise NotFound("there is no backup yet", hint="make one first")
        return named(there[-1].name, self._prefix)

    def _backup(self, name: Name, info: ObjectInfo) -> Backup:
        return Backup(str(name), f"{self._prefix}{name}", name.at, info.size)

    # -- the file

    async def _version(self, name: str | None) -> Version:
        if name is None:
            present = await asyncio.to_thread(look, self.path)
            if present.data is None:
                return Version("/dev/null", "")
            return Version(str(self.path), _text(present.data, str(self.path)))
        content = await self._content(name)
        return Version(content.backup.name, _text(content.data, content.backup.name))

    def _checked(self, content: _Content) -> tuple[Problem, ...]:
        """Variables that are not set. Raises ``ConfigError`` for what cannot be loaded."""
        name = content.backup.name
        text = _text(content.data, name)
        file = read(text, name, self._environ, registry.settings_type)
        if file.problems:
            raise ConfigError(file.problems, hint="nothing was replaced")
        return tuple(file.unset)

    async def _replaced(self, present: Present, data: bytes) -> Path | None:
        # A thread cannot be stopped: who gives up waiting has to know how it ended.
        work = asyncio.ensure_future(asyncio.to_thread(replace, present, data, self._clock()))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise ConfigError(Problem(name, line, "", "the file is not UTF-8 text"))
