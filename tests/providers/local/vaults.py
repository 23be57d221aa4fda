"""Vaults for tests: cheap to make, cheap to unlock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from skykeep.envelope.keys import Argon2id
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import vault
from skykeep.providers.local.secrets import LocalSecrets, open_secrets
from skykeep.providers.local.session import read_header
from skykeep.providers.local.settings import LocalSettings

CHEAP = Argon2id(64, 1, 1)
"""The least that Argon2id can be asked for: tests unlock often."""

PASSPHRASE = "correct horse battery staple"


@dataclass
class Place:
    """A directory with a vault in it, or room for one.

    Attributes:
        directory: where the vault file and its key file are.
        environ: what the driver sees as the environment's variables.
        key_file: whether a key file unlocks the vault; else the passphrase does.
        ask: asked for a passphrase, if given.
        prefix: the target's ``secret_prefix``.
        keep_versions: as in the settings.
    """

    directory: Path
    environ: dict[str, str] = field(default_factory=dict)
    key_file: bool = True
    ask: Callable[[str], str] | None = None
    prefix: str | None = None
    keep_versions: int = 100

    def __post_init__(self) -> None:
        if not self.key_file and not self.environ and self.ask is None:
            self.environ = {"SKYKEEP_PASSPHRASE": PASSPHRASE}

    @property
    def path(self) -> Path:
        return self.directory / "vault.db"

    @property
    def key_path(self) -> Path:
        return self.directory / "vault.key"

    @property
    def counter_path(self) -> Path:
        """What keeps the vault's counter beside the key file, once it was opened."""
        vault = read_header(self.path).vault
        return self.directory / f"vault.key.{vault.hex()[:8]}.counter"

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings(
            backend="local",
            path=str(self.path),
            key_file=str(self.key_path) if self.key_file else None,
            secret_prefix=self.prefix,
            keep_versions=self.keep_versions,
        )

    @property
    def context(self) -> OpenContext:
        return OpenContext("primary (local)", self.environ, lambda: self.directory, self.ask)

    def create(self) -> vault.Created:
        return vault.create(self.settings, self.context, cost=CHEAP)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[LocalSecrets]:
        driver = await open_secrets(self.settings, self.context)
        try:
            yield driver
        finally:
            await driver.close()


def made(directory: Path, **how: object) -> Place:
    """A place with an empty vault."""
    directory.mkdir(parents=True, exist_ok=True)
    place = Place(directory, **how)  # type: ignore[arg-type]  # the fields of Place, by name
    place.create()
    return place


async def keep(driver: LocalSecrets, name: str, value: bytes) -> Written:
    """Create the secret, without metadata."""
    return await driver.create(name, SecretValue(value), Attributes())


async def change(driver: LocalSecrets, name: str, value: bytes) -> Written:
    """Give the secret another current value."""
    return await driver.update(name, SecretValue(value), Attributes())


async def read(driver: LocalSecrets, name: str) -> bytes:
    """The secret's current value."""
    return (await driver.get(name)).value.reveal()


async def listed(
    driver: LocalSecrets, prefix: str = "", *, limit: int = 1000, deleted: bool = False
) -> list[str]:
    """All names under the prefix, page by page."""
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = await driver.list(prefix, cursor=cursor, limit=limit, deleted=deleted)
        names += [info.name for info in page.items]
        cursor = page.cursor
        if cursor is None:
            return names
