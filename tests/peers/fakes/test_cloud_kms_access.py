"""Who gets an answer from the fake of Cloud KMS, and of which requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import kms_v1

from tests.peers.fakes.asking_cloud_kms import refused, sent
from tests.peers.google import LOCATION, PROJECT, CloudKms
from tests.peers.google_client import kms_client

DIGEST = hashlib.sha256(b"a message").digest()
STATES = kms_v1.CryptoKeyVersion.CryptoKeyVersionState
SYMMETRIC = {"purpose": "ENCRYPT_DECRYPT"}
PARENT = f"projects/{PROJECT}/locations/{LOCATION}"


def signing(algorithm: str = "EC_SIGN_P256_SHA256") -> dict[str, Any]:
    return {"purpose": "ASYMMETRIC_SIGN", "version_template": {"algorithm": algorithm}}


@pytest.fixture
def fake(cloud_kms: CloudKms) -> Iterator[CloudKms]:
    yield cloud_kms
    cloud_kms.settle()


@pytest.fixture
def client(fake: CloudKms) -> Iterator[Any]:
    with kms_client(fake) as made:
        yield made


@pytest.fixture
def ring(fake: CloudKms) -> str:
    return fake.ring()


@pytest.fixture
def key(client: Any, ring: str) -> str:
    """One that encrypts."""
    made = client.create_crypto_key(parent=ring, crypto_key_id="k", crypto_key=SYMMETRIC)
    return str(made.name)


@pytest.fixture
def signer(client: Any, ring: str) -> str:
    """The first version of one that signs."""
    made = client.create_crypto_key(parent=ring, crypto_key_id="s", crypto_key=signing())
    return f"{made.name}/cryptoKeyVersions/1"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "CREDENTIALS_MISSING"),
        ({"Authorization": "Bearer ya29.unknown"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ],
)
def test_a_token_is_asked_for(
    fake: CloudKms, key: str, headers: dict[str, str], reason: str
) -> None:
    status, said = sent(fake, "GET", key, headers=headers)
    assert (status, said["status"]) == (401, "UNAUTHENTICATED")
    assert said["details"][0]["reason"] == reason
    assert said["details"][0]["metadata"]["service"] == "cloudkms.googleapis.com"


def test_permission_comes_before_existence(fake: CloudKms, ring: str) -> None:
    with kms_client(fake, token=fake.accept("cloudkms.cryptoKeys.list")) as client:
        for name in (f"{ring}/cryptoKeys/none", f"{PARENT}/keyRings/none/cryptoKeys/none"):
            with refused("PERMISSION_DENIED", "cloudkms.cryptoKeys.get"):
                client.get_crypto_key(name=name)
        assert list(client.list_crypto_keys(parent=ring)) == []


def test_a_permission_can_be_for_one_key(fake: CloudKms, key: str, signer: str) -> None:
    with kms_client(fake, token=fake.accept("*", prefix=key)) as client:
        assert client.get_crypto_key(name=key).name == key
        with refused("PERMISSION_DENIED"):
            client.get_crypto_key_version(name=signer)


def test_a_project_without_the_api(fake: CloudKms, client: Any) -> None:
    fake.add_project("switched-off", "99", enabled=False)
    with refused("PERMISSION_DENIED", "Key Management Service (KMS)"):
        client.get_key_ring(name="projects/switched-off/locations/global/keyRings/r")
    with refused("PERMISSION_DENIED"):
        client.get_key_ring(name="projects/nobodys/locations/global/keyRings/r")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"plaintext": "?"}, "Base64 decoding failed"),
        ({"plain": "AA=="}, "Unknown name"),
        ([], "Expected an object"),
    ],
)
def test_json_that_does_not_fit(fake: CloudKms, key: str, body: Any, words: str) -> None:
    headers = {"Authorization": f"Bearer {fake.token}"}
    status, said = sent(fake, "POST", f"{key}:encrypt", json.dumps(body), headers)
    assert (status, said["status"]) == (400, "INVALID_ARGUMENT")
    assert words in said["message"]


def test_calls_are_counted(fake: CloudKms, client: Any, key: str) -> None:
    fake.forget()
    client.encrypt(name=key, plaintext=b"x")
    assert [(call["method"], call["resource"]) for call in fake.calls()] == [("Encrypt", key)]
