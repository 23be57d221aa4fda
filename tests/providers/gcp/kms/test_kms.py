"""Cloud KMS: Google's own client opens what skykeep encrypts and the other way round; versions
that take their time; names."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.conformance.cases import CANARY, refused
from skykeep.envelope import signatures
from skykeep.errors import (
    Invalid,
    KeyFailure,
)
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import Signature
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.kms import driver as kms_driver
from skykeep.providers.gcp.kms.driver import CloudKms as Driver
from skykeep.providers.gcp.kms.names import LONGEST, KeyNames
from tests.peers.google import CloudKms

VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


# -- the judge


@pytest.mark.asyncio
async def test_googles_client_opens_what_we_encrypt_and_we_what_it_does(
    driver: Driver, judge: Any, ring: str
) -> None:
    made = await driver.create("db/master.key")
    key = f"{ring}/cryptoKeys/db__master___key"
    assert made.native == key
    about = packed_context(PAIRS)
    ours = await driver.encrypt("db/master.key", VALUE, PAIRS)
    request = {"name": key, "ciphertext": ours, "additional_authenticated_data": about}
    assert judge.decrypt(request=request).plaintext == VALUE.reveal()
    request = {"name": key, "plaintext": b"theirs", "additional_authenticated_data": about}
    theirs = judge.encrypt(request=request).ciphertext
    assert (await driver.decrypt("db/master.key", theirs, PAIRS)).reveal() == b"theirs"
    plain = judge.encrypt(name=key, plaintext=b"no context").ciphertext
    assert (await driver.decrypt("db/master.key", plain, {})).reveal() == b"no context"
    data_key = await driver.generate("db/master.key", {})
    opened = judge.decrypt(name=key, ciphertext=data_key.wrapped).plaintext
    assert opened == data_key.plain.reveal()


@pytest.mark.asyncio
async def test_what_the_judge_made_is_used_and_listed(
    driver: Driver, judge: Any, ring: str
) -> None:
    for name in ("db__theirs", "Foreign____key"):
        judge.create_crypto_key(
            parent=ring, crypto_key_id=name, crypto_key={"purpose": "ENCRYPT_DECRYPT"}
        )
    assert [item.name for item in (await driver.list("", cursor=None, limit=10)).items] == [
        "db/theirs"
    ]
    for name in ("db/theirs", "native:Foreign____key", f"native:{ring}/cryptoKeys/db__theirs"):
        sealed = await driver.encrypt(name, VALUE, PAIRS)
        assert await driver.decrypt(name, sealed, PAIRS) == VALUE


@pytest.mark.asyncio
async def test_a_rotation_makes_a_version_the_primary_one(
    driver: Driver, judge: Any, ring: str
) -> None:
    await driver.create("k")
    old = await driver.encrypt("k", VALUE, {})
    info = await driver.rotate("k")
    key = judge.get_crypto_key(name=f"{ring}/cryptoKeys/k")
    assert key.primary.name.endswith("/cryptoKeyVersions/2")
    assert info.version == "2"
    assert await driver.decrypt("k", old, {}) == VALUE
    judge.update_crypto_key_version(
        crypto_key_version={"name": f"{key.name}/cryptoKeyVersions/1", "state": "DISABLED"},
        update_mask={"paths": ["state"]},
    )
    assert "disabled" in str(await refused(KeyFailure, driver.decrypt("k", old, {})))
    await driver.encrypt("k", VALUE, {})


@pytest.mark.asyncio
@pytest.mark.parametrize("algorithm", kms_driver.ALGORITHMS)
async def test_signatures_are_googles_own(
    driver: Driver, judge: Any, ring: str, algorithm: Any
) -> None:
    await driver.create("signer", "sign", algorithm)
    version = f"{ring}/cryptoKeys/signer/cryptoKeyVersions/1"
    theirs = judge.asymmetric_sign(name=version, digest={"sha256": DIGEST}).signature
    assert await driver.verify("signer", DIGEST, Signature(theirs, "1"))
    assert not await driver.verify("signer", hashlib.sha256(b"").digest(), Signature(theirs))
    ours = await driver.sign("signer", DIGEST)
    public = signatures.public_from_pem(judge.get_public_key(name=version).pem.encode())
    assert signatures.verify(public, algorithm, DIGEST, ours.data)


@pytest.mark.asyncio
async def test_a_key_that_signs_is_waited_for(
    driver: Driver, fake: CloudKms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud KMS answers before the key pair is made."""
    monkeypatch.setattr(kms_driver, "WAITS", (0.0,) * 10)
    fake.set(pending=4)
    made = await driver.create("signer", "sign")
    assert (made.state, made.version) == ("enabled", "1")
    first = await driver.sign("signer", DIGEST)
    rotated = await driver.rotate("signer")
    assert (rotated.state, rotated.version) == ("enabled", "2")
    second = await driver.sign("signer", DIGEST)
    assert (first.version, second.version) == ("1", "2")


@pytest.mark.asyncio
async def test_one_that_takes_too_long_is_told_as_it_is(
    driver: Driver, fake: CloudKms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kms_driver, "WAITS", (0.0,) * 2)
    fake.set(pending=1000)
    assert (await driver.create("signer", "sign")).state == "unavailable"
    error = await refused(KeyFailure, driver.sign("signer", DIGEST))
    assert "not ready" in str(error)


@pytest.mark.asyncio
async def test_the_newest_version_that_is_enabled_signs(
    driver: Driver, judge: Any, ring: str
) -> None:
    await driver.create("signer", "sign")
    await driver.rotate("signer")
    judge.destroy_crypto_key_version(name=f"{ring}/cryptoKeys/signer/cryptoKeyVersions/2")
    assert (await driver.sign("signer", DIGEST)).version == "1"
    assert (await driver.describe("signer")).version == "1"


# -- names

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,12}(/[A-Za-z0-9._-]{1,12}){0,3}", fullmatch=True)


@given(name=NAMES, other=NAMES, prefix=st.sampled_from(["", "team/", "a.b-"]))
def test_names_come_back_and_do_not_meet(name: str, other: str, prefix: str) -> None:
    names = KeyNames(prefix)
    codes = {}
    for each in (name, other):
        try:
            codes[check_name(each)] = names.stored(each)
        except Invalid:
            continue
    for each, code in codes.items():
        assert len(code) <= LONGEST
        assert names.portable(code) == each
    assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize(
    "name",
    [
        "n" * 64,
        "/".join("n" * 22),
        "native:a b",
        "native:" + "n" * 64,
        "native:projects/p/locations/l/keyRings/r",
        "native:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
        "native:projects/p/locations/l/keyRings/r/cryptoKeys/k\n",
    ],
)
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(Invalid):
        KeyNames("").stored(name)


@pytest.mark.parametrize("stored", ["a____b", "_____", "a______________b"])
def test_ids_of_others_have_no_portable_name(stored: str) -> None:
    assert KeyNames("").portable(stored) is None
