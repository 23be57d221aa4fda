"""The transit driver is held to the suite on a server that we did not write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.interfaces.key_driver import KeyDriver, Signature, SignatureAlgorithm
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.transit import open_keys
from skykeep.providers.vault.transit_names import KeyNames
from tests.conformance.key_judge import is_good
from tests.peers.openbao import OpenBao


class TransitHarness(KeysHarness):
    """Drivers over one engine of a shared server; each case has an engine of its own."""

    persistent = True
    longest_name = 80  # every '/' takes two characters, every '.' three
    most_segments = 40
    native_name = "native:Foreign.key_1"
    prefix = ""

    def __init__(self, directory: Path, server: OpenBao) -> None:
        super().__init__(directory)
        self.server = server
        self.mount = server.transit()
        self.settings = VaultSettings(
            backend="vault",
            address=server.address,
            transit_mount=self.mount,
            keys_prefix=self.prefix,
        )
        self.drivers: list[KeyDriver] = []

    async def open(self) -> KeyDriver:
        environ = {"VAULT_TOKEN": self.server.token}
        context = OpenContext("primary (vault)", environ, lambda: self.directory)
        self.drivers.append(await open_keys(self.settings, context))
        return self.drivers[-1]

    async def reopen(self) -> KeyDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []

    def _path(self, name: str) -> str:
        return f"{self.mount}/keys/{KeyNames(self.prefix).stored(name)}"

    async def delete(self, name: str) -> bool:
        self.server.call("DELETE", f"{self._path(name)}/soft-delete")
        return True

    def version_of(self, ciphertext: bytes) -> str:
        return ciphertext.split(b":")[1].removeprefix(b"v").decode()

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        about: dict[str, Any] = self.server.call("GET", self._path(name))["data"]
        assert signature.version is not None
        public = load_pem_public_key(about["keys"][signature.version]["public_key"].encode())
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        kind: SignatureAlgorithm = (
            "ecdsa-p256-sha256" if about["type"] == "ecdsa-p256" else "rsa-pss-sha256"
        )
        return is_good(der, kind, digest, signature.data)


class Prefixed(TransitHarness):
    prefix = "team.a/"


class TestTransit(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, openbao: OpenBao) -> TransitHarness:
        return TransitHarness(tmp_path, openbao)


class TestUnderAPrefix(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, openbao: OpenBao) -> TransitHarness:
        return Prefixed(tmp_path, openbao)
