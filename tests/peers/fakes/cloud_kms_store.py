"""Key rings, keys and versions of the Cloud KMS fake, and what the versions really do.

States and their transitions: cloud.google.com/kms/docs/key-states. Nothing is ever deleted:
rings cannot be (hashicorp/terraform-provider-google issue 1214: "by design"), and what
``DeleteCryptoKey`` does is not here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.cloud import kms_v1

from tests.peers.fakes import cloud_kms_errors as errors
from tests.peers.fakes.secret_manager_store import Clock

CryptoKey = kms_v1.CryptoKey.pb()
CryptoKeyVersion = kms_v1.CryptoKeyVersion.pb()
KeyRing = kms_v1.KeyRing.pb()
STATES = kms_v1.CryptoKeyVersion.CryptoKeyVersionState
ALGORITHMS = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm
PURPOSES = kms_v1.CryptoKey.CryptoKeyPurpose
SYMMETRIC = int(ALGORITHMS.GOOGLE_SYMMETRIC_ENCRYPTION)
PSS = {
    ALGORITHMS.RSA_SIGN_PSS_2048_SHA256: 2048,
    ALGORITHMS.RSA_SIGN_PSS_3072_SHA256: 3072,
}
PKCS1 = {
    ALGORITHMS.RSA_SIGN_PKCS1_2048_SHA256: 2048,
    ALGORITHMS.RSA_SIGN_PKCS1_3072_SHA256: 3072,
}
# Those of SHA-256; the service has more.
SIGNING = {int(one) for one in (ALGORITHMS.EC_SIGN_P256_SHA256, *PSS, *PKCS1)}
# CryptoKey.destroy_scheduled_duration: "If not specified at creation time, the default duration
# is 30 days."
GRACE = 30 * 86_400
SHA256 = Prehashed(hashes.SHA256())
HEAD = 16
NONCE = 12
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def rsa_key(size: int, number: int) -> rsa.RSAPrivateKey:
    """The process's ``number``-th key of a size: each ring takes its first one, second one and
    so on from here, for making one takes a part of a second. Within a ring no two are the
    same."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


@dataclass
class Version:
    """The message that is shown, and the material; none once it is destroyed.

    ``pending``: how many requests find it not generated yet.
    """

    message: Any
    secret: bytes | None = field(repr=False)
    private: Private | None = field(default=None, repr=False)
    pending: int = 0

    @property
    def state(self) -> str:
        return str(STATES(self.message.state).name)

    def check_enabled(self) -> None:
        if self.message.state != STATES.ENABLED:
            raise errors.not_enabled(self.message.name, self.state)

    def public_pem(self) -> str:
        assert self.private is not None
        pem = self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode("ascii")

    def sign(self, digest: bytes) -> bytes:
        """PSS has a salt as long as the digest (cloud.google.com/kms/docs/algorithms)."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(digest, ec.ECDSA(SHA256))
        assert self.private is not None
        used: padding.AsymmetricPadding = padding.PKCS1v15()
        if self.message.algorithm in PSS:
            used = padding.PSS(padding.MGF1(hashes.SHA256()), len(digest))
        return self.private.sign(digest, used, SHA256)


@dataclass
class Key:
    """The message that is shown; its versions, oldest first. ``tag`` is in its ciphertexts."""

    message: Any
    ring: Ring
    versions: list[Version] = field(default_factory=list)
    primary: int = 0
    tag: bytes = field(default_factory=lambda: os.urandom(HEAD))

    def encrypt(self, version: Version, plain: bytes, about: bytes) -> bytes:
        """Key's tag, number of the version, nonce, sealed value."""
        assert version.secret is not None
        number = self.versions.index(version) + 1
        head, nonce = self.tag + number.to_bytes(4, "big"), os.urandom(NONCE)
        return head + nonce + AESGCM(version.secret).encrypt(nonce, plain, head + about)

    def decrypt(self, sealed: bytes, about: bytes) -> tuple[Version, bytes]:
        """Which version did it is in the ciphertext. The state is looked at before it is
        opened: our reading."""
        head, rest = sealed[: HEAD + 4], sealed[HEAD + 4 :]
        number = int.from_bytes(head[HEAD:], "big")
        if len(rest) < NONCE + 16:
            raise errors.no_ciphertext()
        if head[:HEAD] != self.tag or not 1 <= number <= len(self.versions):
            raise errors.wrong_key()
        version = self.versions[number - 1]
        version.check_enabled()
        assert version.secret is not None
        try:
            opened = AESGCM(version.secret).decrypt(rest[:NONCE], rest[NONCE:], head + about)
        except InvalidTag:
            raise errors.no_ciphertext() from None
        return version, opened

    def shown(self) -> Any:
        """With its primary version, if it has one."""
        self.message.ClearField("primary")
        if self.primary:
            self.message.primary.CopyFrom(self.versions[self.primary - 1].message)
        return self.message


@dataclass
class Ring:
    message: Any
    keys: dict[str, Key] = field(default_factory=dict)
    made: dict[int, int] = field(default_factory=dict)

    def private(self, algorithm: int) -> Private:
        if algorithm == ALGORITHMS.EC_SIGN_P256_SHA256:
            return ec.generate_private_key(ec.SECP256R1())
        size = {**PSS, **PKCS1}[ALGORITHMS(algorithm)]
        number = self.made[size] = self.made.get(size, 0) + 1
        return rsa_key(size, number)


class Store:
    """All rings, by name."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rings: dict[str, Ring] = {}

    def ring(self, name: str) -> Ring:
        ring = self.rings.get(name)
        if ring is None:
            raise errors.missing("KeyRing", name)
        return ring

    def key(self, name: str) -> Key:
        """One request later than before: what is to be generated or destroyed by now is."""
        ring = self.rings.get(name.partition("/cryptoKeys/")[0])
        key = None if ring is None else ring.keys.get(name)
        if key is None:
            raise errors.missing("CryptoKey", name)
        for version in key.versions:
            self._move(version)
        return key

    def version(self, name: str) -> tuple[Key, Version]:
        key = self.key(name.partition("/cryptoKeyVersions/")[0])
        number = name.rpartition("/")[2]
        for version in key.versions:
            if version.message.name.rpartition("/")[2] == number:
                return key, version
        raise errors.missing("CryptoKeyVersion", name)

    def add_version(self, key: Key, pending: int = 0) -> Version:
        """As "The server will assign the next sequential id" (CreateCryptoKeyVersion). So many
        requests find one of an asymmetric key PENDING_GENERATION."""
        algorithm = key.message.version_template.algorithm
        message = CryptoKeyVersion(
            name=f"{key.message.name}/cryptoKeyVersions/{len(key.versions) + 1}",
            state=STATES.ENABLED,
            algorithm=algorithm,
            protection_level=kms_v1.ProtectionLevel.SOFTWARE,
        )
        self.clock.stamp(message.create_time)
        self.clock.stamp(message.generate_time)
        if algorithm == SYMMETRIC:
            version = Version(message, os.urandom(32))
        else:
            version = Version(message, None, key.ring.private(algorithm), pending)
            if pending:
                message.state = STATES.PENDING_GENERATION
        key.versions.append(version)
        return version

    def schedule(self, version: Version) -> None:
        version.message.state = STATES.DESTROY_SCHEDULED
        self.clock.stamp(version.message.destroy_time)
        version.message.destroy_time.seconds += GRACE

    def _move(self, version: Version) -> None:
        message = version.message
        if version.pending:
            version.pending -= 1
        elif message.state == STATES.PENDING_GENERATION:
            message.state = STATES.ENABLED
        if (
            message.state == STATES.DESTROY_SCHEDULED
            and message.destroy_time.seconds <= self.clock.now()
        ):
            message.state = STATES.DESTROYED
            version.secret = version.private = None
