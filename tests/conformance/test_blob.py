"""Blob Storage is held to the suite of objects, on Azurite: by the account's key to all of it,
by Entra's tokens to what goes another way then."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.conformance.objects_cases import body
from skykeep.conformance.objects_deletes import Copies, Presigned
from skykeep.conformance.objects_values import KEYS, Values
from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.providers.azure.blob.rules import MAX_RULES
from tests.peers.blob import ACCOUNT, Azurite
from tests.peers.fakes.resource_manager import LOCATION, ResourceManager
from tests.providers.azure.blob.opening_blob import Tokens, by_tokens, managed, opened

FOREIGN = {
    "enabled": True,
    "name": "others",
    "type": "Lifecycle",
    "definition": {
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 1}}},
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["others/"]},
    },
}


class BlobHarness(ObjectsHarness):
    """A prefix of its own for each case."""

    persistent = True
    most_rules = MAX_RULES
    ends_uploads_below = False
    region: str | None = LOCATION
    longest_key = MAX_KEY_BYTES - len("suite/") - 17
    presign_headers: ClassVar[Mapping[str, str]] = {"x-ms-blob-type": "BlockBlob"}

    def __init__(self, directory: Path, azurite: Azurite) -> None:
        super().__init__(directory)
        self.azurite = azurite
        self.prefix = f"suite/{secrets.token_hex(8)}/"
        self.drivers: list[ObjectDriver] = []
        self.manager = ResourceManager(ACCOUNT)
        self.manager.__enter__()
        if azurite.ca is not None:
            self.trust = ssl.create_default_context(cafile=str(azurite.ca))

    async def open(self) -> ObjectDriver:
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        driver = await self.new()
        self.drivers.append(driver)
        return driver

    async def new(self) -> ObjectDriver:
        container = self.azurite.shared_container()
        return await managed(self.azurite, container, self.manager, objects_prefix=self.prefix)

    async def plant_rule(self) -> None:
        assert self.manager.rules is not None
        self.manager.rules.insert(0, FOREIGN)

    async def planted_rules(self) -> object:
        rules = self.manager.rules or []
        return [rule for rule in rules if not rule["name"].startswith("skykeep")]

    def without(self, capability: str) -> ObjectsHarness | None:
        left_out = {"lifecycle": Unmanaged, "presign": BySignature}.get(capability)
        return None if left_out is None else left_out(self.directory, self.azurite)

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.manager.__exit__()


class Unmanaged(BlobHarness):
    """Whose settings do not say where the account is managed."""

    async def new(self) -> ObjectDriver:
        container = self.azurite.shared_container()
        return await opened(self.azurite, container, objects_prefix=self.prefix)


class BySignature(BlobHarness):
    """By a shared access signature that somebody gave us."""

    async def new(self) -> ObjectDriver:
        container = self.azurite.shared_container()
        return await opened(
            self.azurite,
            container,
            objects_prefix=self.prefix,
            sas_token_env="SIGNATURE",
            environ={"SIGNATURE": self.azurite.signature(container)},
        )


class TokensHarness(BlobHarness):
    """By Entra's tokens, and user delegations."""

    region = None

    async def new(self) -> ObjectDriver:
        container = self.azurite.shared_container()
        tokens = Tokens(self.azurite)
        return await by_tokens(self.azurite, container, tokens, objects_prefix=self.prefix)

    def without(self, capability: str) -> ObjectsHarness | None:
        return None


UNLISTED = "non-character"
"""Azurite 3.37 answers 500 to a listing in which a name is that XML cannot carry; Azure encodes
it (``tests/providers/azure/blob/test_blob_listings.py``)."""


class OnAzurite(ObjectsSuite):
    """The suite, but for what Azurite does and Azure does not."""

    @pytest.mark.parametrize(
        "key",
        [key for name, key in KEYS.items() if name != UNLISTED],
        ids=[name for name in KEYS if name != UNLISTED],
    )
    @case("write")
    async def test_a_key_comes_back_as_it_was(self, driver: ObjectDriver, key: str) -> None:
        await super().test_a_key_comes_back_as_it_was(driver, key)

    @case("write")
    async def test_the_key_that_is_not_listed(self, driver: ObjectDriver) -> None:
        key = KEYS[UNLISTED]
        await driver.write(key, body(key))
        assert (await driver.head(key)).key == key
        assert (await driver.read(key)).data == body(key)
        await refused(Unavailable, driver.list("", cursor=None, limit=10))
        await driver.delete(key)
        await refused(NotFound, driver.head(key))


class TestBlob(OnAzurite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, azurite: Azurite) -> ObjectsHarness:
        return BlobHarness(tmp_path, azurite)


OF_TOKENS = (Values, Copies, Presigned)
"""What goes another way by tokens than by the account's key."""


def only(*parts: type) -> Callable[[type], type]:
    """A suite of these parts of it alone."""

    def decorate(suite: type) -> type:
        for name in dir(suite):
            if name.startswith("test_") and not any(hasattr(part, name) for part in parts):
                setattr(suite, name, None)
        return suite

    return decorate


@only(*OF_TOKENS)
class TestBlobByTokens(OnAzurite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, azurite_tls: Azurite) -> ObjectsHarness:
        return TokensHarness(tmp_path, azurite_tls)


def test_by_tokens_there_are_cases() -> None:
    found = [name for name in dir(TestBlobByTokens) if name.startswith("test_")]
    left = [name for name in found if getattr(TestBlobByTokens, name) is not None]
    assert len(left) > 15
    assert "test_a_url_writes" in left
