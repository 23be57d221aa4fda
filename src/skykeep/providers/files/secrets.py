"""The driver of a directory of files."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from skykeep.errors import ConfigError, Denied, NotFound
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import NATIVE, is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import (
    CURRENT,
    VALUES_ONLY,
    Page,
    Secret,
    SecretDriver,
    SecretInfo,
)
from skykeep.providers.files.directory import Directory, File
from skykeep.providers.files.settings import FilesSettings


class FilesSecrets(SecretDriver):
    """Secrets in the files of a directory. Read-only.

    A version's id says which file it was, when it was written and how large it is: it changes
    with every update of the mount. Files are read in a thread: a network file system that
    hangs must not stop the event loop.
    """

    capabilities = replace(VALUES_ONLY, creation_time=False, write=False)

    def __init__(self, settings: FilesSettings) -> None:
        """Raises ``ConfigError`` if there is no home directory for the path."""
        try:
            path = Path(settings.path).expanduser()
        except RuntimeError:
            raise ConfigError(
                f"{settings.path!r} names a home directory that is not there"
            ) from None
        self._directory = Directory(path)
        self._prefix = settings.secret_prefix or ""
        self._given = {self._prefix + name: to for name, to in settings.files.items()}
        self._taken = {to: name for name, to in settings.files.items()}

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if version is not None:
            raise self.unsupported("get(version=…)")
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        value, file = await asyncio.to_thread(self._directory.read, self._path(name), name)
        return Secret(name, value, file.mark, file.changed_at, (CURRENT,))

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = f"{self._prefix}{prefix}/" if prefix else self._prefix
        after = "" if cursor is None else position(cursor, start, deleted)
        return await asyncio.to_thread(self._page, start, after, limit)

    async def describe(self, name: str) -> SecretInfo:
        file = await asyncio.to_thread(self._directory.look, self._path(name), name)
        return _info(name, file)

    def _path(self, name: str) -> str:
        if is_native(name):
            return name[len(NATIVE) :]
        stored = self._prefix + name
        given = self._given.get(stored)
        if given is None and stored in self._taken:
            raise NotFound(
                f"there is no secret {shown(name)}: the configuration gives that file to "
                f"{shown(self._taken[stored])}"
            )
        return given or stored

    def _page(self, start: str, after: str, limit: int) -> Page:
        found = {path: path for path in self._directory.paths() if path not in self._taken}
        found |= self._given
        names = sorted(name for name in found if name.startswith(start) and name > after)
        cut = len(self._prefix)
        items = []
        for name in names[:limit]:
            try:
                items.append(_info(name[cut:], self._directory.look(found[name], name)))
            except (Denied, NotFound):
                continue  # swapped meanwhile, or given and not there or a link out of it
        return Page(
            items, next_cursor(start, names[limit - 1], False) if names[limit:] else None
        )


def _info(name: str, file: File) -> SecretInfo:
    return SecretInfo(name, file.mark, None, file.changed_at)


async def open_secrets(settings: FilesSettings, context: OpenContext) -> FilesSecrets:
    """The driver over the directory, which may be mounted later. Raises ``ConfigError``."""
    return FilesSecrets(settings)
