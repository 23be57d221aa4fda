"""The driver of AWS KMS is held to the suite on moto with mends of ours.

``moto_mended`` knows the states and uses of keys (``tests/peers/mended_kms.py``). What moto and
ministack do by themselves, signatures included, is judged in ``tests/providers/aws``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.interfaces.key_driver import KeyDriver, Signature, SignatureAlgorithm
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.aws.kms import open_keys
from skykeep.providers.aws.kms_names import KeyNames
from skykeep.providers.aws.settings import AwsSettings
from tests.conformance.key_judge import is_good
from tests.peers.aws import ACCESS_KEY, REGION, SECRET_KEY
from tests.peers.clients import aws_client
from tests.peers.peer import Server


class KmsHarness(KeysHarness):
    """Drivers over a shared server, each case under a prefix of its own."""

    persistent = True
    longest_name = 80  # every '.' takes three characters
    many = 8

    def __init__(self, directory: Path, server: Server, judge: Any) -> None:
        super().__init__(directory)
        self.judge = judge
        self.settings = AwsSettings(
            backend="aws",
            region=REGION,
            keys_endpoint=server.address,
            keys_prefix=f"test-{uuid.uuid4().hex[:12]}/",
        )
        self.drivers: list[KeyDriver] = []

    async def open(self) -> KeyDriver:
        environ = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        context = OpenContext("primary (aws)", environ, lambda: self.directory)
        self.drivers.append(await open_keys(self.settings, context))
        return self.drivers[-1]

    async def reopen(self) -> KeyDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []

    def _id(self, name: str) -> str:
        alias = KeyNames(self.settings.keys_prefix or "").stored(name)
        key: str = self.judge.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
        return key

    async def disable(self, name: str) -> bool:
        self.judge.disable_key(KeyId=self._id(name))
        return True

    async def delete(self, name: str) -> bool:
        self.judge.schedule_key_deletion(KeyId=self._id(name), PendingWindowInDays=7)
        return True

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        public = self.judge.get_public_key(KeyId=self._id(name))
        kind: SignatureAlgorithm = (
            "ecdsa-p256-sha256"
            if "ECC" in public["CustomerMasterKeySpec"]
            else "rsa-pss-sha256"
        )
        return is_good(public["PublicKey"], kind, digest, signature.data)


class TestKms(KeysSuite):
    @pytest.fixture
    def judge(self, moto_mended: Server) -> Iterator[Any]:
        with closing(aws_client("kms", moto_mended.address)) as client:
            yield client

    @pytest.fixture
    def make_harness(self, tmp_path: Path, moto_mended: Server, judge: Any) -> KmsHarness:
        return KmsHarness(tmp_path, moto_mended, judge)
