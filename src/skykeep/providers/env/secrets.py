"""The driver of environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from skykeep.dialects import dotenv
from skykeep.envelope.marks import mark
from skykeep.errors import ConfigError, Denied, Invalid, NotFound
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import NATIVE, is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.env.names import portable, variable
from skykeep.providers.env.settings import EnvSettings


class EnvSecrets(SecretDriver):
    """Secrets in the variables of the process and in dotenv files. Read-only.

    A version's id is a keyed mark of the value, good in this process.
    """

    capabilities = SecretCapabilities(
        versions=False,
        stages=False,
        movable_current=False,
        metadata=False,
        tags=False,
        expiry=False,
        soft_delete=False,
        compare_and_set=False,
        conditional_changes=False,
        exclusive_create=False,
        times=False,
        write=False,
    )

    def __init__(self, settings: EnvSettings, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._files = [Path(file).expanduser() for file in settings.files]
        self._prefix = settings.secret_prefix or ""
        self._given = {self._prefix + name: to for name, to in settings.variables.items()}

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
        return self._given.get(stored) or variable(stored)

    def _value(self, name: str) -> SecretValue:
        wanted = self._variable(name)
        for source in self._sources():
            text = source.get(wanted)
            if text is not None:
                return SecretValue(os.fsencode(text))
        looked_at = [f"the variable {wanted} is not set", *(f"nor in {f}" for f in self._files)]
        raise NotFound(f"there is no secret {shown(name)}: {', '.join(looked_at)}")

    def _sources(self) -> Sequence[Mapping[str, str]]:
        return [self._environ, *(_variables(file) for file in self._files)]

    def _names(self) -> set[str]:
        """All portable names, prefix included."""
        found = {name for source in self._sources() for name in source}
        names = {name for name, to in self._given.items() if to in found}
        taken = set(self._given.values())
        for each in found - taken:
            name = portable(each)
            if name is not None and name not in self._given:
                names.add(name)
        return names


def _variables(file: Path) -> dict[str, str]:
    """The variables of a dotenv file; the last of a name counts. Read anew each time: a
    developer edits it while the program runs. Raises ``Denied``, ``ConfigError``."""
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise Denied(
            f"{file} cannot be read: {error.strerror}", hint="it must be a readable file"
        ) from None
    try:
        return {
            item.path[0]: os.fsdecode(value.reveal())
            for item in dotenv.read(data, str(file))
            for _, value in item.fields
        }
    except Invalid as error:
        message = error.message
    raise ConfigError(message, hint="a line is NAME=value or NAME='value'")


def _info(name: str) -> SecretInfo:
    return SecretInfo(name, None, None, None)


async def open_secrets(settings: EnvSettings, context: OpenContext) -> EnvSecrets:
    """The driver over the environment that the ``Cloud`` was opened with."""
    return EnvSecrets(settings, context.environ)
