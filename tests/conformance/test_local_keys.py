"""Keys in a local vault are held to the suite, and against the in-memory driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.conformance.keys_stateful import differential
from skykeep.envelope import signatures
from skykeep.envelope.signatures import public_key_of
from skykeep.interfaces.key_driver import KeyDriver, Signature
from skykeep.providers.local.keys import CAPABILITIES, LocalKeys, open_keys
from skykeep.providers.memory.keys import MemoryKeys
from tests.conformance.key_judge import is_good
from tests.providers.local.vaults import Place, made


class LocalHarness(KeysHarness):
    persistent = True
    native_name = "native:Foreign key/ü"
    secret_prefix: str | None = None

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.drivers: list[LocalKeys] = []

    async def open(self) -> KeyDriver:
        self.place = made(self.directory, prefix=self.secret_prefix, keep_versions=1)
        return await self.reopen()

    async def reopen(self) -> KeyDriver:
        self.drivers.append(await open_keys(self.place.settings, self.place.context))
        return self.drivers[-1]

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()

    def version_of(self, ciphertext: bytes) -> str:
        return str(int.from_bytes(ciphertext[17:21], "big"))

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        driver = self.drivers[0]
        info = await driver.describe(name)
        assert info.algorithm is not None
        version = await driver._version(name, "sign", signature.version)
        public = public_key_of(version.material.reveal())
        return is_good(public, info.algorithm, digest, signature.data)


class UnderAPrefix(LocalHarness):
    secret_prefix = "team/app/"
    longest_name = 255 - len(secret_prefix)


@pytest.fixture(autouse=True)
def small_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA keys that are made quickly: the cases are not about their strength."""
    strong = signatures.new_private_key
    monkeypatch.setattr(
        "skykeep.envelope.key_material.new_private_key",
        lambda algorithm, rsa_bits: strong(algorithm, rsa_bits=1024),
    )


class TestLocal(KeysSuite):
    harness = LocalHarness


class TestUnderAPrefix(KeysSuite):
    harness = UnderAPrefix


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.asyncio
async def test_local_and_memory_agree(tmp_path: Path, seed: int) -> None:
    places: list[Place] = []
    drivers: list[LocalKeys] = []

    async def at(place: Place) -> KeyDriver:
        drivers.append(await open_keys(place.settings, place.context))
        return drivers[-1]

    async def local() -> KeyDriver:
        places.append(made(tmp_path / str(len(places)), keep_versions=1))
        return await at(places[-1])

    async def reopen(driver: KeyDriver) -> KeyDriver:
        await driver.close()
        return await at(places[-1])

    async def memory() -> KeyDriver:
        return MemoryKeys(capabilities=CAPABILITIES)

    await differential(local, memory, operations=400, seed=seed, reopen_a=reopen)
