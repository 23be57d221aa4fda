"""The driver of environment variables."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from skykeep.dialects import dotenv
from skykeep.envelope.marks import mark
from skykeep.errors import ConfigError, Denied, Invalid, NotFound, SkykeepError
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
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue
from skykeep.providers.env.names import portable, variable
from skykeep.providers.env.settings import EnvSettings

MAX_FILE_BYTES: Final = MAX_VALUE_BYTES + 1024
"""The largest dotenv file: a line with the largest value fits."""


class EnvSecrets(SecretDriver):
    """Secrets in the variables of the process and in dotenv files. Read-only.

    A version's id is a keyed mark of the value, good in this process.
    """

    capabilities = replace(VALUES_ONLY, times=False, write=False)

    def __init__(self, settings: EnvSettings, environ: Mapping[str, str]) -> None:
        """Raises ``ConfigError`` if there is no home directory for a file's path."""
        self._environ = environ
        try:
            self._files = [Path(file).expanduser() for file in settings.files]
        except RuntimeError:
            raise ConfigError(
                "files: a path names a home directory that is not there"
            ) from None
        self._prefix = settings.secret_prefix or ""
        self._given = {self._prefix + name: to for name, to in settings.variables.items()}
        self._taken = {to: name for name, to in settings.variables.items()}

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if version is not None:
            raise self.unsupported("get(version=…)")
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        value = self._value(name)
        return Secret(name, value, mark(value.reveal()), None, (CURRENT,))

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = f"{self._prefix}{prefix}/" if prefix else self._prefix
        after = "" if cursor is None else position(cursor, start, deleted)
        names = sorted(
            name for name in self._names() if name.startswith(start) and name > after
        )
        cut = len(self._prefix)
        following = next_cursor(start, names[limit - 1], deleted) if names[limit:] else None
        return Page([_info(name[cut:]) for name in names[:limit]], following)

    async def describe(self, name: str) -> SecretInfo:
        self._value(name)
        return _info(name)

    def _variable(self, name: str) -> str:
        if is_native(name):
            return name[len(NATIVE) :]
        stored = self._prefix + name
        given = self._given.get(stored)
        if given is not None:
            return given
        wanted = variable(stored)
        if wanted in self._taken:
            raise NotFound(
                f"there is no secret {shown(name)}: the configuration gives the variable "
                f"{wanted} to {shown(self._taken[wanted])}"
            )
        return wanted

    def _value(self, name: str) -> SecretValue:
        wanted = self._variable(name)
        value = self._found(wanted)
        if value is not None:
            return value
        files = "".join(f", nor in {_shown(file)}" for file in self._files)
        raise NotFound(
            f"there is no secret {shown(name)}: the variable {wanted} is not set{files}"
        )

    def _found(self, wanted: str) -> SecretValue | None:
        """In a frame of its own: nothing is raised where all the values are in a variable."""
        for source in self._sources():
            text = source.get(wanted)
            if text is not None:
                return SecretValue(os.fsencode(text))
        return None

    def _sources(self) -> Iterator[Mapping[str, str]]:
        """The process first: a file that is broken does not keep from what is set there."""
        yield self._environ
        for file in self._files:
            yield _variables(file)

    def _names(self) -> set[str]:
        """All portable names, prefix included."""
        found = {name for source in self._sources() for name in source}
        names = {name for name, to in self._given.items() if to in found}
        for each in found - self._taken.keys():
            name = portable(each)
            if name is not None and name not in self._given:
                names.add(name)
        return names


def _variables(file: Path) -> dict[str, str]:
    """The variables of a dotenv file; the last of a name counts. Read anew each time: a
    developer edits it while the program runs. Raises ``Denied``, ``ConfigError``."""
    parsed = _parsed(file)
    if isinstance(parsed, SkykeepError):
        raise parsed
    return parsed


def _parsed(file: Path) -> dict[str, str] | SkykeepError:
    """The variables, or the error: nothing is raised where all the values are in a variable."""
    try:
        # Looked at first: to open a pipe would wait for its writer, on the loop's thread.
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):
            return Denied(f"{_shown(file)} is not a regular file and was not opened")
        if about.st_size > MAX_FILE_BYTES:
            return ConfigError(f"{_shown(file)} has more than {MAX_FILE_BYTES:,} bytes")
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        return Denied(
            f"{_shown(file)} cannot be read: {error.strerror}",
            hint="it must be a file that this user may read",
        )
    try:
        return {
            item.path[0]: os.fsdecode(value.reveal())
            for item in dotenv.read(data, str(file))
            for _, value in item.fields
        }
    except Invalid as error:
        return ConfigError(error.message, hint="a line is NAME=value or NAME='value'")


def _shown(file: Path) -> str:
    return ascii(str(file))  # whole: who is on call has to look there


def _info(name: str) -> SecretInfo:
    return SecretInfo(name, None, None, None)


async def open_secrets(settings: EnvSettings, context: OpenContext) -> EnvSecrets:
    """The driver over the environment that the ``Cloud`` was opened with."""
    return EnvSecrets(settings, context.environ)
