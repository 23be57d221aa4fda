"""Cloud KMS: permissions, key rings, names that are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.kms.driver import ENDPOINT, open_keys
from skykeep.providers.gcp.kms.driver import CloudKms as Driver
from tests.peers.google import LOCATION, PROJECT, CloudKms
from tests.providers.gcp.opening import Tokens, context, opened_keys, settings

T = TypeVar("T")
VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


# -- rights, rings


@pytest.mark.asyncio
async def test_what_is_needed_is_a_permission_of_its_own(fake: CloudKms, ring: str) -> None:
    """The table in docs/providers/gcp.md."""
    owner = opened_keys(fake.keys, ring)
    uses = "cloudkms.cryptoKeyVersions.use"
    rights: dict[str, tuple[str, ...]] = {
        "describe": ("cloudkms.cryptoKeys.get",),
        "encrypt": (f"{uses}ToEncrypt",),
        "decrypt": (f"{uses}ToDecrypt",),
        "sign": (
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeyVersions.list",
            f"{uses}ToSign",
        ),
        "verify": (
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeyVersions.list",
            "cloudkms.cryptoKeyVersions.viewPublicKey",
        ),
        "list": ("cloudkms.cryptoKeys.list", "cloudkms.cryptoKeyVersions.list"),
        "rotate": (
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeys.update",
            "cloudkms.cryptoKeyVersions.create",
        ),
        "create": ("cloudkms.cryptoKeys.create",),
    }
    try:
        await owner.create("k")
        await owner.create("signer", "sign")
        sealed = await owner.encrypt("k", VALUE, {})
        signature = await owner.sign("signer", DIGEST)

        def use(driver: Driver, name: str) -> Awaitable[object]:
            work: dict[str, Callable[[], Awaitable[object]]] = {
                "describe": lambda: driver.describe("k"),
                "encrypt": lambda: driver.encrypt("k", VALUE, {}),
                "decrypt": lambda: driver.decrypt("k", sealed, {}),
                "sign": lambda: driver.sign("signer", DIGEST),
                "verify": lambda: driver.verify("signer", DIGEST, signature),
                "list": lambda: driver.list("", cursor=None, limit=5),
                "rotate": lambda: driver.rotate("k"),
                "create": lambda: driver.create("new"),
            }
            return work[name]()

        for name, permissions in rights.items():
            for without in permissions:
                some = [each for each in permissions if each != without]
                token = fake.accept(*some)
                other = opened_keys(fake.keys, ring, Tokens(token, token))
                error = await refused(Denied, use(other, name))
                assert without in str(error), name
                await other.close()
            token = fake.accept(*permissions)
            other = opened_keys(fake.keys, ring, Tokens(token, token))
            await use(other, name)
            await other.close()
    finally:
        await owner.close()


@pytest.mark.asyncio
async def test_a_ring_that_is_not_there(fake: CloudKms) -> None:
    ring = f"projects/{PROJECT}/locations/{LOCATION}/keyRings/never-made"
    driver = opened_keys(fake.keys, ring)
    try:
        error = await refused(ConfigError, driver.create("k"))
        assert "gcloud kms keyrings create" in error.hint
        await refused(ConfigError, driver.list("", cursor=None, limit=5))
        await refused(NotFound, driver.describe("k"))
        assert await driver.region() == LOCATION
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_an_api_that_is_off(fake: CloudKms) -> None:
    fake.add_project("switched-off", "99", enabled=False)
    driver = opened_keys(fake.keys, "projects/switched-off/locations/global/keyRings/r")
    try:
        error = await refused(Denied, driver.describe("k"))
        assert "cloudkms.googleapis.com" in error.hint
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_without_a_ring_only_whole_names_are_known(fake: CloudKms, ring: str) -> None:
    owner = opened_keys(fake.keys, ring)
    made = await owner.create("k")
    await owner.close()
    driver = await open_keys(settings(keys_endpoint=fake.keys), context())
    await driver.close()
    with pytest.raises(ConfigError, match="no key ring"):
        await driver.describe("k")
    with pytest.raises(ConfigError, match="no key ring"):
        await driver.create("k")
    assert await driver.region() is None
    other = opened_keys(fake.keys, fake.ring())
    try:
        sealed = await other.encrypt(f"native:{made.native}", VALUE, {})
        assert await other.decrypt(f"native:{made.native}", sealed, {}) == VALUE
        with pytest.raises(Invalid, match="a new one has an id"):
            await other.create(f"native:{made.native}")
    finally:
        await other.close()


@pytest.mark.asyncio
async def test_a_name_that_is_taken(driver: Driver) -> None:
    await driver.create("k")
    await refused(Conflict, driver.create("k"))


@pytest.mark.asyncio
async def test_so_many_calls_are_made(fake: CloudKms, ring: str) -> None:
    """The table in docs/providers/gcp.md."""
    driver = opened_keys(fake.keys, ring)
    counted: dict[str, int] = {}

    async def count(what: str, work: Awaitable[T]) -> T:
        fake.forget()
        answer = await work
        counted[what] = len(fake.calls())
        return answer

    try:
        await count("create", driver.create("k"))
        await count("create a signer", driver.create("signer", "sign"))
        sealed = await count("encrypt", driver.encrypt("k", VALUE, {}))
        await count("decrypt", driver.decrypt("k", sealed, {}))
        await count("generate", driver.generate("k", {}))
        await count("describe", driver.describe("k"))
        await count("describe a signer", driver.describe("signer"))
        signature = await count("sign", driver.sign("signer", DIGEST))
        await count("verify", driver.verify("signer", DIGEST, signature))
        await count("list", driver.list("", cursor=None, limit=10))
        await count("rotate", driver.rotate("k"))
        await count("rotate a signer", driver.rotate("signer"))
    finally:
        await driver.close()
    assert counted == {
        **dict.fromkeys(("create", "encrypt", "decrypt", "generate", "describe"), 1),
        **dict.fromkeys(("describe a signer", "list"), 2),
        **dict.fromkeys(("create a signer", "sign", "verify"), 3),
        **dict.fromkeys(("rotate", "rotate a signer"), 3),
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("configured", [True, False])
async def test_the_address_is_configured_or_gclouds_own(
    fake: CloudKms, ring: str, monkeypatch: pytest.MonkeyPatch, configured: bool
) -> None:
    async def tokens(*given: object) -> Tokens:
        return Tokens()

    monkeypatch.setattr("skykeep.providers.gcp.credentials.open_credentials", tokens)
    nowhere = "http://127.0.0.1:1"
    named = {"keys_endpoint": fake.keys} if configured else {}
    environ = {ENDPOINT: nowhere if configured else fake.keys}
    driver = await open_keys(settings(key_ring=ring, **named), context(environ))
    try:
        assert (await driver.create("k")).native == f"{ring}/cryptoKeys/k"
    finally:
        await driver.close()
