"""Signatures and their encodings, held against what ``cryptography`` itself makes of them."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from skykeep.envelope import signatures
from skykeep.errors import Invalid, KeyFailure
from skykeep.interfaces.key_driver import SignatureAlgorithm
from tests.conformance.key_judge import is_good

DIGEST = hashlib.sha256(b"what is signed").digest()
OTHER = hashlib.sha256(b"what is not").digest()
PRIVATE = {
    algorithm: signatures.new_private_key(algorithm, rsa_bits=1024)
    for algorithm in signatures.ALGORITHMS
}

of_each = pytest.mark.parametrize("algorithm", signatures.ALGORITHMS)


@of_each
def test_a_signature_is_good_here_and_elsewhere(algorithm: SignatureAlgorithm) -> None:
    public = signatures.public_key_of(PRIVATE[algorithm])
    signature = signatures.sign(PRIVATE[algorithm], algorithm, DIGEST)
    for check in (signatures.verify, is_good):
        assert check(public, algorithm, DIGEST, signature)
        assert not check(public, algorithm, OTHER, signature)
        assert not check(public, algorithm, DIGEST, signature[:-1] + b"\0")


def test_new_keys_are_strong() -> None:
    key = load_der_private_key(signatures.new_private_key("rsa-pss-sha256"), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072
    key = load_der_private_key(signatures.new_private_key("ecdsa-p256-sha256"), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"


def test_rsa_paddings_are_not_mixed_up() -> None:
    private = PRIVATE["rsa-pss-sha256"]
    public = signatures.public_key_of(private)
    pss = signatures.sign(private, "rsa-pss-sha256", DIGEST)
    assert not signatures.verify(public, "rsa-pkcs1-sha256", DIGEST, pss)
    pkcs1 = signatures.sign(private, "rsa-pkcs1-sha256", DIGEST)
    assert not signatures.verify(public, "rsa-pss-sha256", DIGEST, pkcs1)


def _public(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("public", "algorithm"),
    [
        (b"no key", "ecdsa-p256-sha256"),
        (b"", "rsa-pss-sha256"),
        (signatures.public_key_of(PRIVATE["rsa-pss-sha256"]), "ecdsa-p256-sha256"),
        (signatures.public_key_of(PRIVATE["ecdsa-p256-sha256"]), "rsa-pss-sha256"),
        (_public(ec.generate_private_key(ec.SECP384R1()).public_key()), "ecdsa-p256-sha256"),
        (_public(ed25519.Ed25519PrivateKey.generate().public_key()), "ecdsa-p256-sha256"),
    ],
    # Of their own: the keys are random, and every worker must know the cases by one name.
    ids=["no key", "empty", "RSA", "P-256", "P-384", "Ed25519"],
)
def test_a_key_of_another_kind_is_invalid(public: bytes, algorithm: SignatureAlgorithm) -> None:
    with pytest.raises(Invalid):
        signatures.verify(public, algorithm, DIGEST, b"x" * 64)


@pytest.mark.parametrize(
    "private", [b"", b"no key", PRIVATE["rsa-pss-sha256"][:-1]], ids=["empty", "none", "cut"]
)
def test_a_damaged_private_key_is_refused(private: bytes) -> None:
    with pytest.raises(KeyFailure):
        signatures.sign(private, "ecdsa-p256-sha256", DIGEST)


@of_each
def test_public_keys_in_other_forms(algorithm: SignatureAlgorithm) -> None:
    public = signatures.public_key_of(PRIVATE[algorithm])
    key = load_der_public_key(public)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert signatures.public_from_pem(pem) == public


def test_what_is_no_public_key_is_invalid() -> None:
    for pem in (
        b"",
        b"no key",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ):
        with pytest.raises(Invalid):
            signatures.public_from_pem(pem)


def test_ecdsa_in_both_forms() -> None:
    public = signatures.public_key_of(PRIVATE["ecdsa-p256-sha256"])
    der = b""
    for _ in range(20):  # r and s have 31 bytes now and then
        der = signatures.sign(PRIVATE["ecdsa-p256-sha256"], "ecdsa-p256-sha256", DIGEST)
        raw = signatures.ecdsa_as_raw(der)
        assert raw is not None
        assert len(raw) == 64
        assert signatures.ecdsa_as_der(raw) == der
        assert signatures.verify(public, "ecdsa-p256-sha256", DIGEST, der)
    for malformed in (b"", b"no signature", der[:-1], b"\x30\x06\x02\x01\x01\x02\x01"):
        assert signatures.ecdsa_as_raw(malformed) is None
    with pytest.raises(Invalid):
        signatures.ecdsa_as_der(bytes(63))


def test_numbers_too_large_for_the_curve_are_no_signature() -> None:
    large = encode_dss_signature(2**256, 1)
    assert signatures.ecdsa_as_raw(large) is None
