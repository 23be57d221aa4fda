"""Google Cloud KMS is held to the suite, on a fake of ours: no other can be had
(``tests/peers/absent.toml``). Each case has a key ring of its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from google.cloud import kms_v1

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.conformance.keys_stateful import differential
from skykeep.interfaces.key_driver import KeyDriver, Signature, SignatureAlgorithm
from skykeep.providers.gcp.kms.driver import CloudKms as Driver
from skykeep.providers.gcp.kms.names import KeyNames
from skykeep.providers.memory.keys import MemoryKeys
from tests.conformance.key_judge import is_good
from tests.peers.google import CloudKms
from tests.peers.google_client import kms_client
from tests.providers.gcp.opening import opened_keys

KINDS: dict[str, SignatureAlgorithm] = {
    "EC_SIGN_P256_SHA256": "ecdsa-p256-sha256",
    "RSA_SIGN_PSS_3072_SHA256": "rsa-pss-sha256",
    "RSA_SIGN_PKCS1_3072_SHA256": "rsa-pkcs1-sha256",
}
STATES = kms_v1.CryptoKeyVersion.CryptoKeyVersionState


class CloudKmsHarness(KeysHarness):
    """Drivers of a key ring of this case alone."""

    persistent = True
    longest_name = 53  # of 63 characters the prefix takes some
    most_segments = 18  # "/" takes two
    native_name: ClassVar[str | None] = "native:Foreign____key"  # no name of ours becomes it
    prefix = ""

    def __init__(self, directory: Path, server: CloudKms) -> None:
        super().__init__(directory)
        self.server = server
        self.ring = server.ring()
        self.drivers: list[KeyDriver] = []

    async def open(self) -> KeyDriver:
        self.drivers.append(opened_keys(self.server.keys, self.ring, keys_prefix=self.prefix))
        return self.drivers[-1]

    async def reopen(self) -> KeyDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []

    def _versions(self, name: str) -> list[str]:
        key = f"{self.ring}/cryptoKeys/{KeyNames(self.prefix).stored(name)}"
        with kms_client(self.server) as judge:
            return [version.name for version in judge.list_crypto_key_versions(parent=key)]

    async def disable(self, name: str) -> bool:
        for version in self._versions(name):
            changed = kms_v1.CryptoKeyVersion(name=version, state=STATES.DISABLED)
            with kms_client(self.server) as judge:
                judge.update_crypto_key_version(
                    crypto_key_version=changed, update_mask={"paths": ["state"]}
                )
        return True

    async def delete(self, name: str) -> bool:
        for version in self._versions(name):
            with kms_client(self.server) as judge:
                judge.destroy_crypto_key_version(name=version)
        return True

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        key = self._versions(name)[0].rpartition("/")[0]
        with kms_client(self.server) as judge:
            found = judge.get_public_key(name=f"{key}/{signature.version}")
        public = load_pem_public_key(found.pem.encode())
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return is_good(der, KINDS[found.algorithm.name], digest, signature.data)


class Prefixed(CloudKmsHarness):
    prefix = "team.a/"


class TestCloudKms(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, cloud_kms: CloudKms) -> KeysHarness:
        return CloudKmsHarness(tmp_path, cloud_kms)


class TestUnderAPrefix(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, cloud_kms: CloudKms) -> KeysHarness:
        return Prefixed(tmp_path, cloud_kms)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2])
async def test_cloud_kms_and_memory_agree(cloud_kms: CloudKms, seed: int) -> None:
    # ECDSA alone: its keys are made at once.
    capabilities = replace(Driver.capabilities, signatures=("ecdsa-p256-sha256",))

    async def gcp() -> KeyDriver:
        driver = opened_keys(cloud_kms.keys, cloud_kms.ring())
        driver.capabilities = capabilities
        return driver

    async def memory() -> KeyDriver:
        return MemoryKeys(capabilities=capabilities)

    await differential(gcp, memory, operations=150, seed=seed)
