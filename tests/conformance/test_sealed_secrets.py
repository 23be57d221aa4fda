"""Secrets that are encrypted before upload are held to the suite, over two drivers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.secret_driver import SecretCapabilities, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING
from tests.conformance.test_local import LocalHarness
from tests.conformance.test_memory import MemoryHarness
from tests.sealing.places import Places

METHODS = (
    *("get", "list", "describe", "versions", "create", "update", "annotate"),
    *("move_stage", "delete", "restore", "purge"),
)


def sealed_driver(driver: SecretDriver, places: Places) -> SecretDriver:
    """The driver with a view of its own for each call, as the layers make it."""
    own: dict[str, Any] = {"capabilities": places.view(driver).capabilities}
    for name in METHODS:
        own[name] = _in_a_call(driver, places, name)
    made: SecretDriver = type("Sealed", (SecretDriver,), own)()
    return made


def _in_a_call(driver: SecretDriver, places: Places, name: str) -> Any:
    async def call(self: SecretDriver, *args: Any, **kwargs: Any) -> Any:
        try:
            return await getattr(places.view(driver), name)(*args, **kwargs)
        finally:
            del args, kwargs

    return call


class SealedMemory(SecretsHarness):
    persistent = True
    value_limit = 1_000_000
    native_name = "native:Foreign name/ü"

    def __init__(self, directory: Path, can: SecretCapabilities = EVERYTHING) -> None:
        super().__init__(directory)
        self.inner = MemoryHarness(directory, can)
        self.places = Places()

    async def open(self) -> SecretDriver:
        await self.places.made()
        return await self.reopen()

    async def reopen(self) -> SecretDriver:
        return sealed_driver(await self.inner.open(), self.places)

    def without(self, capability: str) -> SecretsHarness | None:
        if capability == "empty_values":
            return None  # a sealed value is never empty
        return SealedMemory(
            self.directory, replace(self.inner.capabilities, **{capability: False})
        )

    async def fill(self, name: str, value: SecretValue) -> None:
        await self.inner.fill(name, await self.places.secrets.seal(name, value))


class SealedLocal(LocalHarness):
    value_limit = 1_000_000

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.places = Places()

    async def open(self) -> SecretDriver:
        await self.places.made()
        return await super().open()

    async def reopen(self) -> SecretDriver:
        return sealed_driver(await super().reopen(), self.places)


class TestSealedInMemory(SecretsSuite):
    harness = SealedMemory


class TestSealedInAVault(SecretsSuite):
    harness = SealedLocal


class Limited(SealedMemory):
    """Little is kept, and nothing empty: a sealed value never is."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            directory, replace(EVERYTHING, max_value_bytes=5000, empty_values=False)
        )


class TestSealedWithLimits(SecretsSuite):
    harness = Limited
