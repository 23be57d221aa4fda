"""What the fake of Cloud KMS does and refuses, asked by Google's own client."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import google_crc32c
import pytest
from google.cloud import kms_v1

from skykeep.envelope import signatures
from tests.peers.fakes.asking_cloud_kms import refused
from tests.peers.google import LOCATION, NUMBER, PROJECT, CloudKms
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


def disable(client: Any, version: str, state: str = "DISABLED") -> Any:
    return client.update_crypto_key_version(
        crypto_key_version={"name": version, "state": state}, update_mask={"paths": ["state"]}
    )


# -- rings and keys


def test_rings_are_made_once_and_listed(client: Any, fake: CloudKms) -> None:
    name = fake.ring()
    assert client.get_key_ring(name=name).name == name
    assert name in [ring.name for ring in client.list_key_rings(parent=PARENT)]
    with refused("ALREADY_EXISTS", f"KeyRing {name} already exists"):
        client.create_key_ring(parent=PARENT, key_ring_id=name.rpartition("/")[2], key_ring={})
    with refused("NOT_FOUND", "KeyRing "):
        client.get_key_ring(name=f"{PARENT}/keyRings/none")


def test_a_projects_number_is_its_id(client: Any, key: str) -> None:
    other = key.replace(f"projects/{PROJECT}/", f"projects/{NUMBER}/")
    assert client.get_crypto_key(name=other).name == key


@pytest.mark.parametrize("name", ["", "a" * 64, "a.b", "a/b", "ä", "a b"])
def test_ids_that_are_refused(client: Any, ring: str, name: str) -> None:
    with refused("INVALID_ARGUMENT"):
        client.create_crypto_key(parent=ring, crypto_key_id=name, crypto_key=SYMMETRIC)
    with refused("INVALID_ARGUMENT"):
        client.create_key_ring(parent=PARENT, key_ring_id=name, key_ring={})


def test_the_longest_id_is_taken(client: Any, ring: str) -> None:
    name = "aZ0-_" * 12 + "abc"
    made = client.create_crypto_key(parent=ring, crypto_key_id=name, crypto_key=SYMMETRIC)
    assert made.name == f"{ring}/cryptoKeys/{name}"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"purpose": "MAC"},
        {"purpose": "ASYMMETRIC_SIGN"},
        {**SYMMETRIC, "version_template": {"algorithm": "EC_SIGN_P256_SHA256"}},
        signing("GOOGLE_SYMMETRIC_ENCRYPTION"),
    ],
)
def test_keys_that_cannot_be_made(client: Any, ring: str, fields: dict[str, Any]) -> None:
    with refused("INVALID_ARGUMENT"):
        client.create_crypto_key(parent=ring, crypto_key_id="k", crypto_key=fields)
    assert list(client.list_crypto_keys(parent=ring)) == []


def test_what_is_not_there_or_there_already(client: Any, ring: str, key: str) -> None:
    with refused("ALREADY_EXISTS", "CryptoKey "):
        client.create_crypto_key(parent=ring, crypto_key_id="k", crypto_key=SYMMETRIC)
    with refused("NOT_FOUND", "CryptoKey "):
        client.get_crypto_key(name=f"{ring}/cryptoKeys/K")
    with refused("NOT_FOUND", "KeyRing "):
        client.list_crypto_keys(parent=f"{PARENT}/keyRings/none")
    for version in ("0", "2", "01", "x"):
        with refused("NOT_FOUND", "CryptoKeyVersion "):
            client.get_crypto_key_version(name=f"{key}/cryptoKeyVersions/{version}")


def test_lists_have_pages(client: Any, ring: str) -> None:
    for number in range(5):
        client.create_crypto_key(parent=ring, crypto_key_id=f"k{number}", crypto_key=SYMMETRIC)
    pages = client.list_crypto_keys(request={"parent": ring, "page_size": 2}).pages
    found = [[key.name.rpartition("/")[2] for key in page.crypto_keys] for page in pages]
    assert found == [["k0", "k1"], ["k2", "k3"], ["k4"]]
    for wrong in ({"page_token": "nonsense"}, {"page_size": -1}):
        with refused("INVALID_ARGUMENT"):
            client.list_crypto_keys(request={"parent": ring, **wrong})


# -- encryption


def test_what_is_encrypted_is_decrypted_with_its_data_alone(client: Any, key: str) -> None:
    request = {"name": key, "plaintext": b"value", "additional_authenticated_data": b"about"}
    sealed = client.encrypt(request=request)
    assert sealed.name == f"{key}/cryptoKeyVersions/1"
    assert sealed.ciphertext_crc32c == google_crc32c.value(sealed.ciphertext)
    assert not sealed.verified_plaintext_crc32c
    opened = client.decrypt(
        request={
            "name": key,
            "ciphertext": sealed.ciphertext,
            "additional_authenticated_data": b"about",
        }
    )
    assert (opened.plaintext, opened.used_primary) == (b"value", True)
    assert opened.plaintext_crc32c == google_crc32c.value(b"value")
    for data in (b"", b"other"):
        with refused("INVALID_ARGUMENT", "the ciphertext is invalid"):
            client.decrypt(
                request={
                    "name": key,
                    "ciphertext": sealed.ciphertext,
                    "additional_authenticated_data": data,
                }
            )
    damaged = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
    for wrong in (damaged, sealed.ciphertext + b"x", b"x"):
        with refused("INVALID_ARGUMENT", "Decryption failed"):
            client.decrypt(name=key, ciphertext=wrong)


def test_another_key_opens_nothing(client: Any, ring: str, key: str) -> None:
    other = client.create_crypto_key(
        parent=ring, crypto_key_id="other", crypto_key=SYMMETRIC
    ).name
    sealed = client.encrypt(name=key, plaintext=b"value").ciphertext
    with refused("INVALID_ARGUMENT", "refers to the correct CryptoKey"):
        client.decrypt(name=other, ciphertext=sealed)


def test_sizes(client: Any, key: str) -> None:
    largest = b"x" * 65_536
    request = {"name": key, "plaintext": largest, "additional_authenticated_data": largest}
    sealed = client.encrypt(request=request).ciphertext
    opened = client.decrypt(
        request={"name": key, "ciphertext": sealed, "additional_authenticated_data": largest}
    )
    assert opened.plaintext == largest
    for field in ("plaintext", "additional_authenticated_data"):
        with refused("INVALID_ARGUMENT", "longer than 65536"):
            client.encrypt(request={**request, field: largest + b"x"})
    with refused("INVALID_ARGUMENT"):
        client.encrypt(name=key, plaintext=b"")


@pytest.mark.parametrize("field", ["plaintext", "additional_authenticated_data"])
def test_checksums_are_checked(client: Any, key: str, field: str) -> None:
    request: dict[str, Any] = {"name": key, "plaintext": b"v", field: b"data"}
    right = {f"{field}_crc32c": google_crc32c.value(b"data")}
    answer = client.encrypt(request={**request, **right})
    assert getattr(answer, f"verified_{field}_crc32c")
    with refused("INVALID_ARGUMENT", f"The checksum in field {field}_crc"):
        client.encrypt(request={**request, f"{field}_crc32c": 1})


def test_a_purpose_is_held_to(client: Any, key: str, signer: str) -> None:
    signs = signer.partition("/cryptoKeyVersions/")[0]
    calls: list[Callable[[], object]] = [
        lambda: client.encrypt(name=signs, plaintext=b"x"),
        lambda: client.decrypt(name=signs, ciphertext=b"x"),
        lambda: client.update_crypto_key_primary_version(name=signs, crypto_key_version_id="1"),
        lambda: client.asymmetric_sign(
            name=f"{key}/cryptoKeyVersions/1", digest={"sha256": DIGEST}
        ),
        lambda: client.get_public_key(name=f"{key}/cryptoKeyVersions/1"),
    ]
    for wrong in calls:
        with refused("FAILED_PRECONDITION", "purpose"):
            wrong()


# -- versions


def test_a_new_version_is_primary_when_it_is_made_so(client: Any, key: str) -> None:
    old = client.encrypt(name=key, plaintext=b"old").ciphertext
    made = client.create_crypto_key_version(parent=key, crypto_key_version={})
    assert made.name == f"{key}/cryptoKeyVersions/2"
    assert client.encrypt(name=key, plaintext=b"x").name.endswith("/1")
    changed = client.update_crypto_key_primary_version(name=key, crypto_key_version_id="2")
    assert changed.primary.name == made.name
    assert client.encrypt(name=key, plaintext=b"x").name == made.name
    answer = client.decrypt(name=key, ciphertext=old)
    assert (answer.plaintext, answer.used_primary) == (b"old", False)
    first = f"{key}/cryptoKeyVersions/1"
    assert client.encrypt(name=first, plaintext=b"x").name == first
    with refused("NOT_FOUND"):
        client.update_crypto_key_primary_version(name=key, crypto_key_version_id="3")
    assert [v.name for v in client.list_crypto_key_versions(parent=key)] == [first, made.name]


def test_a_key_without_a_version(client: Any, ring: str) -> None:
    request = {
        "parent": ring,
        "crypto_key_id": "empty",
        "crypto_key": SYMMETRIC,
        "skip_initial_version_creation": True,
    }
    made = client.create_crypto_key(request=request)
    assert not made.primary.name
    with refused("FAILED_PRECONDITION", "no primary version"):
        client.encrypt(name=made.name, plaintext=b"x")


def test_what_is_not_enabled_is_not_used(client: Any, key: str, fake: CloudKms) -> None:
    version = f"{key}/cryptoKeyVersions/1"
    sealed = client.encrypt(name=key, plaintext=b"value").ciphertext

    def unused(state: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: client.encrypt(name=key, plaintext=b"x"),
            lambda: client.decrypt(name=key, ciphertext=sealed),
        ]
        for use in calls:
            said = f"{version} is not enabled, current state is: {state}."
            with refused("FAILED_PRECONDITION", said):
                use()

    disable(client, version)
    unused("DISABLED")
    disable(client, version, "ENABLED")
    assert client.decrypt(name=key, ciphertext=sealed).plaintext == b"value"
    assert client.destroy_crypto_key_version(name=version).state == STATES.DESTROY_SCHEDULED
    unused("DESTROY_SCHEDULED")
    calls: list[Callable[[], object]] = [
        lambda: disable(client, version),
        lambda: client.destroy_crypto_key_version(name=version),
    ]
    for wrong in calls:
        with refused("FAILED_PRECONDITION"):
            wrong()
    assert client.restore_crypto_key_version(name=version).state == STATES.DISABLED
    client.destroy_crypto_key_version(name=version)
    fake.advance(31 * 86_400)
    assert client.get_crypto_key_version(name=version).state == STATES.DESTROYED
    unused("DESTROYED")
    with refused("FAILED_PRECONDITION"):
        client.restore_crypto_key_version(name=version)


# -- signatures


@pytest.mark.parametrize(
    ("algorithm", "ours"),
    [
        ("EC_SIGN_P256_SHA256", "ecdsa-p256-sha256"),
        ("RSA_SIGN_PSS_2048_SHA256", "rsa-pss-sha256"),
        ("RSA_SIGN_PKCS1_3072_SHA256", "rsa-pkcs1-sha256"),
    ],
)
def test_signatures_are_good(client: Any, ring: str, algorithm: str, ours: Any) -> None:
    made = client.create_crypto_key(
        parent=ring, crypto_key_id="s", crypto_key=signing(algorithm)
    )
    assert not made.primary.name
    version = f"{made.name}/cryptoKeyVersions/1"
    said = client.asymmetric_sign(name=version, digest={"sha256": DIGEST})
    assert said.signature_crc32c == google_crc32c.value(said.signature)
    shown = client.get_public_key(name=version)
    assert shown.pem_crc32c == google_crc32c.value(shown.pem.encode())
    assert shown.algorithm.name == algorithm
    public = signatures.public_from_pem(shown.pem.encode())
    assert signatures.verify(public, ours, DIGEST, said.signature)
    assert not signatures.verify(public, ours, bytes(32), said.signature)


def test_signatures_that_are_refused(client: Any, signer: str) -> None:
    with refused("INVALID_ARGUMENT"):
        client.asymmetric_sign(name=signer, digest={"sha256": b"short"})
    request = {"name": signer, "digest": {"sha256": DIGEST}, "digest_crc32c": 1}
    with refused("INVALID_ARGUMENT", "digest_crc32c"):
        client.asymmetric_sign(request=request)
    disable(client, signer)
    calls: list[Callable[[], object]] = [
        lambda: client.asymmetric_sign(name=signer, digest={"sha256": DIGEST}),
        lambda: client.get_public_key(name=signer),
    ]
    for use in calls:
        with refused("FAILED_PRECONDITION", "DISABLED"):
            use()


def test_a_key_pair_takes_its_time(client: Any, ring: str, fake: CloudKms) -> None:
    fake.set(pending=2)
    made = client.create_crypto_key(parent=ring, crypto_key_id="s", crypto_key=signing())
    version = f"{made.name}/cryptoKeyVersions/1"
    with refused("FAILED_PRECONDITION", "PENDING_GENERATION"):
        client.asymmetric_sign(name=version, digest={"sha256": DIGEST})
    assert client.get_crypto_key_version(name=version).state == STATES.PENDING_GENERATION
    assert client.get_crypto_key_version(name=version).state == STATES.ENABLED
