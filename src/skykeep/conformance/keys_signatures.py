"""Cases: signatures over digests, by keys for nothing else."""

from __future__ import annotations

import hashlib

import pytest

from skykeep.conformance.cases import case, refused, secret
from skykeep.conformance.keys_cases import NONE, make
from skykeep.conformance.keys_harness import KeysHarness
from skykeep.errors import Invalid, NotFound, Unsupported
from skykeep.interfaces.key_driver import KeyDriver, Signature, SignatureAlgorithm

ALGORITHMS: tuple[SignatureAlgorithm, ...] = (
    "ecdsa-p256-sha256",
    "rsa-pss-sha256",
    "rsa-pkcs1-sha256",
)
DIGEST = hashlib.sha256(b"what is signed").digest()
OTHER = hashlib.sha256(b"what is not").digest()

of_each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


class Signs:
    """``sign`` and ``verify``."""

    @of_each_algorithm
    @case("signatures")
    async def test_a_signature_is_good_for_its_digest_and_key(
        self, driver: KeyDriver, store: KeysHarness, algorithm: SignatureAlgorithm
    ) -> None:
        _skip_unless(driver, algorithm)
        await make(driver, store, "key", "other", purpose="sign", algorithm=algorithm)
        signature = await driver.sign("key", DIGEST)
        assert await driver.verify("key", DIGEST, signature)
        assert not await driver.verify("key", OTHER, signature)
        assert not await driver.verify("other", DIGEST, signature)
        assert await store.checks("key", DIGEST, signature) in (None, True)
        assert await store.checks("key", OTHER, signature) in (None, False)

    @of_each_algorithm
    @case("signatures")
    async def test_what_nobody_signed_is_no_signature(
        self, driver: KeyDriver, store: KeysHarness, algorithm: SignatureAlgorithm
    ) -> None:
        _skip_unless(driver, algorithm)
        await make(driver, store, "key", purpose="sign", algorithm=algorithm)
        good = await driver.sign("key", DIGEST)
        data = good.data
        for other in (
            data[:-1] + bytes([data[-1] ^ 1]),
            data[:-1],
            data + b"\0",
            bytes(len(data)),
            b"\xff" * len(data),
            b"no signature",
            b"x",
        ):
            assert not await driver.verify("key", DIGEST, Signature(other, good.version))
        for version in ("no-such-version", "0", "999999999", "-1", "../1", "1 "):
            if version != good.version:
                assert not await driver.verify("key", DIGEST, Signature(data, version))

    @of_each_algorithm
    @case("signatures")
    async def test_such_a_key_says_what_it_is(
        self, driver: KeyDriver, store: KeysHarness, algorithm: SignatureAlgorithm
    ) -> None:
        _skip_unless(driver, algorithm)
        await make(driver, store, "key", purpose="sign", algorithm=algorithm)
        info = await driver.describe("key")
        assert (info.purpose, info.algorithm, info.state) == ("sign", algorithm, "enabled")
        assert (await driver.sign("key", DIGEST)).version in (None, info.version)

    @case("signatures", "create")
    async def test_a_store_chooses_an_algorithm_that_it_has(self, driver: KeyDriver) -> None:
        info = await driver.create("key", "sign")
        assert info.algorithm in driver.capabilities.signatures
        assert info == await driver.describe("key")

    @case("signatures")
    async def test_a_key_that_signs_does_not_encrypt(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        algorithm = driver.capabilities.signatures[0]
        await make(driver, store, "signs", purpose="sign", algorithm=algorithm)
        await make(driver, store, "encrypts")
        ciphertext = await driver.encrypt("encrypts", secret(), NONE)
        await refused(Invalid, driver.encrypt("signs", secret(), NONE))
        await refused(Invalid, driver.decrypt("signs", ciphertext, NONE))
        await refused(Invalid, driver.generate("signs", NONE))
        if driver.capabilities.rewrap:
            await refused(Invalid, driver.rewrap("signs", ciphertext, NONE))

    @case("signatures")
    async def test_a_key_that_encrypts_does_not_sign(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "encrypts")
        await refused(Invalid, driver.sign("encrypts", DIGEST))
        await refused(Invalid, driver.verify("encrypts", DIGEST, Signature(b"x" * 64, None)))

    @case("signatures")
    async def test_a_key_that_is_not_there_signs_nothing(self, driver: KeyDriver) -> None:
        await refused(NotFound, driver.sign("absent", DIGEST))
        await refused(NotFound, driver.verify("absent", DIGEST, Signature(b"x" * 64, None)))

    @of_each_algorithm
    @case("signatures", "rotate")
    async def test_an_older_version_is_verified_by_its_own_id(
        self, driver: KeyDriver, store: KeysHarness, algorithm: SignatureAlgorithm
    ) -> None:
        _skip_unless(driver, algorithm)
        await make(driver, store, "key", purpose="sign", algorithm=algorithm)
        old = await driver.sign("key", DIGEST)
        try:
            info = await driver.rotate("key")
        except Unsupported:  # stores that rotate only keys that encrypt
            assert (await driver.sign("key", DIGEST)).version == old.version
            return
        assert (info.purpose, info.algorithm) == ("sign", algorithm)
        new = await driver.sign("key", DIGEST)
        assert None not in (old.version, new.version)
        assert new.version == info.version != old.version
        for signature, other in ((old, new), (new, old)):
            assert await driver.verify("key", DIGEST, signature)
            assert await store.checks("key", DIGEST, signature) in (None, True)
            swapped = Signature(signature.data, other.version)
            assert not await driver.verify("key", DIGEST, swapped)
        assert await driver.verify("key", DIGEST, Signature(new.data, None))
        assert not await driver.verify("key", DIGEST, Signature(old.data, None))

    @case(off="signatures")
    async def test_without_signatures_nothing_signs(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        signature = Signature(b"x" * 64, None)
        for name in ("key", "absent"):
            await refused(Unsupported, driver.sign(name, DIGEST))
            await refused(Unsupported, driver.verify(name, DIGEST, signature))
        await refused(Unsupported, driver.create("signs", "sign"))
        await refused(Unsupported, driver.create("signs", "sign", ALGORITHMS[0]))
        await refused(NotFound, driver.describe("signs"))


def _skip_unless(driver: KeyDriver, algorithm: SignatureAlgorithm) -> None:
    if algorithm not in driver.capabilities.signatures:
        pytest.skip(f"keys of this store do not sign with {algorithm}")
