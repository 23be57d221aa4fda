"""Keys of Key Vault: Azure's own client unwraps what skykeep wraps and the other way round;
keys that cannot be used; rights."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.keyvault.keys import KeyClient, KeyOperation
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    KeyWrapAlgorithm,
    SignatureAlgorithm,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skykeep.conformance.cases import CANARY, refused
from skykeep.envelope import signatures
from skykeep.envelope.hybrid import hybrid_parts, seal_hybrid
from skykeep.errors import Conflict, Denied, Invalid, KeyFailure, NotFound, PendingDelete
from skykeep.interfaces.key_driver import Signature
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.keys.driver import KeyVaultKeys
from tests.peers.azure import KeyVault
from tests.peers.fakes.asking_key_vault import ask
from tests.peers.fakes.key_vault_settings import OWNER
from tests.providers.azure.opening import Tokens, opened_keys

VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()
OAEP = KeyWrapAlgorithm.rsa_oaep_256
SOMEBODY = "0f5b7c1e-0000-4000-8000-6e1a0b8a4d55"  # made up


def of_key(vault: KeyVault, kid: str) -> CryptographyClient:
    """The official client of one key, which asks the vault for everything.

    It would do what it can by itself if it could have the public key.
    """
    client = CryptographyClient(
        kid,
        vault.vaults.credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    )
    client._keys_get_forbidden = True
    return client


def key_id(vault: KeyVault, name: str, version: str) -> str:
    return f"{vault.address}/keys/{name}/{version}"


def counted(part: bytes, size: int) -> bytes:
    return len(part).to_bytes(size, "big") + part


def taken(ciphertext: bytes) -> tuple[str, bytes, bytes]:
    """Version, wrapped content key and sealed message, by docs/spec/envelope.md, section 10."""
    assert ciphertext[:1] == b"\x02"
    rest, parts = ciphertext[1:], []
    for _ in range(2):
        size = int.from_bytes(rest[:2], "big")
        parts.append(rest[2 : 2 + size])
        rest = rest[2 + size :]
    return parts[0].decode(), parts[1], rest


def associated(version: str, wrapped: bytes, pairs: dict[str, str]) -> bytes:
    """The sealed message's context, by sections 1 and 10."""
    packed = b"".join(
        counted(each.encode(), 4) for pair in sorted(pairs.items()) for each in pair
    )
    parts = (b"hybrid", version.encode(), wrapped, packed)
    return b"skykeep\x01" + b"".join(counted(part, 4) for part in parts)


# -- the judge


@pytest.mark.asyncio
async def test_azures_client_opens_what_we_encrypt(
    driver: KeyVaultKeys, vault: KeyVault
) -> None:
    await driver.create("db/master.key")
    version, wrapped, sealed = taken(await driver.encrypt("db/master.key", VALUE, PAIRS))
    with of_key(vault, key_id(vault, "db--master---dkey", version)) as client:
        content = client.unwrap_key(OAEP, wrapped).key
    about = associated(version, wrapped, PAIRS)
    assert sealed[:1] == b"\x01"
    assert AESGCM(content).decrypt(sealed[1:13], sealed[13:], about) == VALUE.reveal()


@pytest.mark.asyncio
async def test_we_open_what_azures_client_wrapped(
    driver: KeyVaultKeys, vault: KeyVault, judge: KeyClient
) -> None:
    made = judge.create_rsa_key(
        "theirs", size=2048, key_operations=[KeyOperation.wrap_key, KeyOperation.unwrap_key]
    )
    assert made.id is not None
    assert made.properties.version is not None
    content, nonce = os.urandom(32), os.urandom(12)
    with of_key(vault, made.id) as client:
        wrapped = client.wrap_key(OAEP, content).encrypted_key
    version = made.properties.version
    about = associated(version, wrapped, PAIRS)
    sealed = b"\x02" + counted(version.encode(), 2) + counted(wrapped, 2)
    sealed += b"\x01" + nonce + AESGCM(content).encrypt(nonce, b"theirs", about)
    assert (await driver.decrypt("theirs", sealed, PAIRS)).reveal() == b"theirs"
    # Wrapped by the public key alone, without the vault: as their client does by default.
    local = CryptographyClient(
        made,
        vault.vaults.credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    )
    with local:
        wrapped = local.wrap_key(OAEP, content).encrypted_key
    sealed = seal_hybrid(content, b"theirs", PAIRS, made.properties.version, wrapped)
    assert (await driver.decrypt("theirs", sealed, PAIRS)).reveal() == b"theirs"


@pytest.mark.asyncio
async def test_a_wrapped_key_that_is_none_does_not_open(
    driver: KeyVaultKeys, vault: KeyVault
) -> None:
    """Whoever has the public key may wrap anything: 16 bytes are no content key."""
    info = await driver.create("k")
    assert info.version is not None
    with of_key(vault, key_id(vault, "k", info.version)) as client:
        wrapped = client.wrap_key(OAEP, b"x" * 16).encrypted_key
    sealed = seal_hybrid(os.urandom(32), b"value", {}, info.version, wrapped)
    await refused(KeyFailure, driver.decrypt("k", sealed, {}))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("algorithm", "theirs"),
    [
        ("ecdsa-p256-sha256", SignatureAlgorithm.es256),
        ("rsa-pss-sha256", SignatureAlgorithm.ps256),
    ],
)
async def test_signatures_are_azures_own(
    driver: KeyVaultKeys, vault: KeyVault, algorithm: Any, theirs: Any
) -> None:
    info = await driver.create("signer", "sign", algorithm)
    assert (info.purpose, info.algorithm) == ("sign", algorithm)
    assert info.version is not None
    ours = await driver.sign("signer", DIGEST)
    raw: bytes | None = ours.data
    if algorithm.startswith("ecdsa"):
        raw = signatures.ecdsa_as_raw(ours.data)
        assert raw is not None
        assert len(raw) == 64
    with of_key(vault, key_id(vault, "signer", info.version)) as client:
        assert client.verify(theirs, DIGEST, raw or b"").is_valid
        made = client.sign(theirs, DIGEST).signature
    if algorithm.startswith("ecdsa"):
        made = signatures.ecdsa_as_der(made)
    assert await driver.verify("signer", DIGEST, Signature(made, info.version))
    assert not await driver.verify("signer", hashlib.sha256(b"").digest(), Signature(made))


@pytest.mark.asyncio
async def test_what_the_judge_made_is_used_and_listed(
    driver: KeyVaultKeys, judge: KeyClient
) -> None:
    judge.create_rsa_key("db--theirs")
    judge.create_rsa_key("a----b")
    judge.create_ec_key("curve", curve="P-256")
    page = await driver.list("", cursor=None, limit=10)
    shown = {item.name: (item.purpose, item.algorithm) for item in page.items}
    assert shown == {
        # It may do everything, so it has no one algorithm to sign with.
        "db/theirs": ("encrypt", None),
        "curve": ("sign", "ecdsa-p256-sha256"),
    }
    for name in ("db/theirs", "native:a----b"):
        assert await driver.decrypt(name, await driver.encrypt(name, VALUE, {}), {}) == VALUE


@pytest.mark.asyncio
async def test_many_pages(driver: KeyVaultKeys, vault: KeyVault, judge: KeyClient) -> None:
    for number in range(30):
        judge.create_ec_key(f"k{number:02}")
    vault.change(empty_pages=True)
    found, cursor = [], None
    while True:
        page = await driver.list("", cursor=cursor, limit=1000)
        found += [item.name for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == [f"k{number:02}" for number in range(30)]


@pytest.mark.asyncio
async def test_a_rotation_keeps_the_older_version(
    driver: KeyVaultKeys, judge: KeyClient
) -> None:
    await driver.create("k")
    old = await driver.encrypt("k", VALUE, {})
    info = await driver.rotate("k")
    newest = judge.get_key("k")
    assert info.version == newest.properties.version
    assert newest.key_operations == ["wrapKey", "unwrapKey"]
    assert len(list(judge.list_properties_of_key_versions("k"))) == 2
    assert await driver.decrypt("k", old, {}) == VALUE
    judge.update_key_properties("k", hybrid_parts(old).version, enabled=False)
    error = await refused(KeyFailure, driver.decrypt("k", old, {}))
    assert "disabled" in error.message
    await driver.encrypt("k", VALUE, {})


# -- keys that cannot be used


@pytest.mark.asyncio
@pytest.mark.parametrize("public", [True, False])
async def test_a_disabled_key_does_not_encrypt(
    driver: KeyVaultKeys, vault: KeyVault, judge: KeyClient, public: bool
) -> None:
    """Whether the vault would wrap under it or not."""
    await driver.create("k")
    judge.update_key_properties("k", enabled=False)
    vault.change(public_while_disabled=public)
    for work in (driver.encrypt("k", VALUE, {}), driver.generate("k", {})):
        assert "disabled" in (await refused(KeyFailure, work)).message


@pytest.mark.asyncio
async def test_a_disabled_key_neither_signs_nor_verifies(
    driver: KeyVaultKeys, judge: KeyClient
) -> None:
    await driver.create("signer", "sign")
    old = await driver.sign("signer", DIGEST)
    await driver.rotate("signer")
    new = await driver.sign("signer", DIGEST)
    judge.update_key_properties("signer", enabled=False)
    for work in (
        driver.sign("signer", DIGEST),
        driver.verify("signer", DIGEST, new),
        driver.verify("signer", DIGEST, Signature(new.data)),
    ):
        assert "disabled" in (await refused(KeyFailure, work)).message
    assert await driver.verify("signer", DIGEST, old)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("field", "days"), [("not_before", 1), ("expires_on", -1)], ids=["not yet", "expired"]
)
async def test_a_key_out_of_its_time_opens_and_does_not_encrypt(
    driver: KeyVaultKeys, judge: KeyClient, field: str, days: int
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    changed: Any = {field: datetime.now(UTC) + timedelta(days=days)}
    judge.update_key_properties("k", **changed)
    error = await refused(KeyFailure, driver.encrypt("k", VALUE, {}))
    assert "not valid yet, or not any more" in error.message
    assert await driver.decrypt("k", sealed, {}) == VALUE


@pytest.mark.asyncio
async def test_a_key_may_do_less_than_its_kind(driver: KeyVaultKeys, judge: KeyClient) -> None:
    judge.create_rsa_key("opens", key_operations=[KeyOperation.unwrap_key])
    with pytest.raises(Invalid, match="cannot do this"):
        await driver.encrypt("opens", VALUE, {})


@pytest.mark.asyncio
async def test_a_deleted_key_holds_its_name(
    driver: KeyVaultKeys, vault: KeyVault, judge: KeyClient
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    judge.begin_delete_key("k").wait()
    await refused(NotFound, driver.describe("k"))
    await refused(NotFound, driver.decrypt("k", sealed, {}))
    await refused(NotFound, driver.decrypt("k", b"nonsense", {}))
    error = await refused(PendingDelete, driver.create("k"))
    assert "az keyvault key recover" in error.hint
    judge.begin_recover_deleted_key("k").wait()
    assert await driver.decrypt("k", sealed, {}) == VALUE
    assert ask(vault, "DELETE", "/keys/k").status == 200
    judge.purge_deleted_key("k")
    await driver.create("k")
    await refused(KeyFailure, driver.decrypt("k", sealed, {}))


@pytest.mark.asyncio
async def test_no_second_version_is_made_of_a_name_that_is_there(
    driver: KeyVaultKeys, judge: KeyClient
) -> None:
    await driver.create("k")
    await refused(Conflict, driver.create("k"))
    await refused(Conflict, driver.create("k", "sign"))
    assert len(list(judge.list_properties_of_key_versions("k"))) == 1


# -- rights

RIGHTS: dict[str, tuple[str, ...]] = {
    "describe": ("keys/get",),
    "encrypt": ("keys/wrapKey",),
    "decrypt": ("keys/unwrapKey",),
    "sign": ("keys/get", "keys/sign"),
    "verify": ("keys/get", "keys/verify"),
    "list": ("keys/list", "keys/get"),
    "rotate": ("keys/rotate",),
    "create": ("keys/get", "keys/create"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("model", ["policy", "rbac"])
@pytest.mark.parametrize("use", RIGHTS)
async def test_what_is_needed_is_a_right_of_its_own(
    vault: KeyVault, model: str, use: str
) -> None:
    """The table in docs/providers/azure.md."""
    owner = opened_keys(vault)
    await owner.create("k")
    await owner.create("signer", "sign")
    sealed = await owner.encrypt("k", VALUE, {})
    signature = await owner.sign("signer", DIGEST)
    await owner.close()

    async def tried(rights: list[str]) -> object:
        grants = [{"oid": OWNER}, {"oid": SOMEBODY, "permissions": rights}]
        vault.change(model=model, grants=grants)
        other = opened_keys(vault, tokens=Tokens(vault.vaults, SOMEBODY))
        work: dict[str, Any] = {
            "describe": lambda: other.describe("k"),
            "encrypt": lambda: other.encrypt("k", VALUE, {}),
            "decrypt": lambda: other.decrypt("k", sealed, {}),
            "sign": lambda: other.sign("signer", DIGEST),
            "verify": lambda: other.verify("signer", DIGEST, signature),
            "list": lambda: other.list("", cursor=None, limit=5),
            "rotate": lambda: other.rotate("k"),
            "create": lambda: other.create("new"),
        }
        try:
            return await work[use]()
        finally:
            await other.close()

    for without in RIGHTS[use]:
        error = await refused(Denied, tried([r for r in RIGHTS[use] if r != without]))
        assert f"'{without.partition('/')[2]}' on keys" in error.hint
    await tried(list(RIGHTS[use]))


@pytest.mark.asyncio
async def test_who_may_only_unwrap_is_told_that_nothing_opens(vault: KeyVault) -> None:
    owner = opened_keys(vault)
    await owner.create("k")
    await owner.close()
    vault.change(grants=[{"oid": OWNER}, {"oid": SOMEBODY, "permissions": ["keys/unwrapKey"]}])
    other = opened_keys(vault, tokens=Tokens(vault.vaults, SOMEBODY))
    try:
        await refused(KeyFailure, other.decrypt("k", b"nonsense", {}))
    finally:
        await other.close()


@pytest.mark.asyncio
async def test_a_role_can_be_for_one_key(vault: KeyVault) -> None:
    owner = opened_keys(vault)
    await owner.create("mine")
    await owner.create("other")
    await owner.close()
    rights = ["keys/wrapKey", "keys/unwrapKey", "keys/get"]
    grants = [{"oid": OWNER}, {"oid": SOMEBODY, "permissions": rights, "key": "mine"}]
    vault.change(model="rbac", grants=grants)
    driver = opened_keys(vault, tokens=Tokens(vault.vaults, SOMEBODY))
    try:
        sealed = await driver.encrypt("mine", VALUE, {})
        assert await driver.decrypt("mine", sealed, {}) == VALUE
        await refused(Denied, driver.encrypt("other", VALUE, {}))
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_times_are_told(driver: KeyVaultKeys) -> None:
    before = int(time.time())
    info = await driver.create("k")
    assert info.created_at is not None
    assert before <= info.created_at.timestamp() <= time.time() + 1
    assert info.native == "k"
