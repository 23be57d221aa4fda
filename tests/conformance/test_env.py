"""Environment variables and dotenv files are held to the suite."""

from __future__ import annotations

import os
from pathlib import Path

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.env.names import variable
from skykeep.providers.env.secrets import open_secrets
from skykeep.providers.env.settings import EnvSettings


class EnvHarness(SecretsHarness):
    """A process's variables, seen as they change."""

    persistent = True
    prefix = ""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.environ: dict[str, str] = {"path": "/bin", "_": "x", "Mixed": "y", "__A": "z"}

    async def open(self) -> SecretDriver:
        settings = EnvSettings(backend="env", secret_prefix=self.prefix or None)
        return await open_secrets(
            settings, OpenContext("primary (env)", self.environ, lambda: self.directory)
        )

    async def reopen(self) -> SecretDriver:
        return await self.open()

    def can_hold(self, data: bytes) -> bool:
        return b"\0" not in data

    async def fill(self, name: str, value: SecretValue) -> None:
        self.environ[variable(self.prefix + name)] = os.fsdecode(value.reveal())


class Prefixed(EnvHarness):
    prefix = "my-app/"


class Dotenv(EnvHarness):
    """A dotenv file, as its usual reader would write it."""

    async def open(self) -> SecretDriver:
        settings = EnvSettings(backend="env", files=(str(self.directory / ".env"),))
        return await open_secrets(
            settings, OpenContext("primary (env)", {}, lambda: self.directory)
        )

    def can_hold(self, data: bytes) -> bool:
        try:
            return "\0" not in data.decode()
        except UnicodeDecodeError:
            return False

    async def fill(self, name: str, value: SecretValue) -> None:
        import dotenv

        path = self.directory / ".env"
        path.touch()
        dotenv.set_key(path, variable(name), value.text(), quote_mode="always")


class TestEnv(SecretsSuite):
    harness = EnvHarness


class TestUnderAPrefix(SecretsSuite):
    harness = Prefixed


class TestDotenv(SecretsSuite):
    harness = Dotenv
