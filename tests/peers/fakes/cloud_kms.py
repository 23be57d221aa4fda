"""A fake of Google Cloud KMS, on Google's own message types, over REST.

It runs in the process of the fake of Secret Manager (``--kms-port``), with the same tokens,
projects, clock and control: ``failures`` name its methods, ``corrupt_reads`` and
``corrupt_writes`` change a byte of what it answers or is sent, ``calls`` has its calls. It
checks names, ids, purposes, sizes, checksums, states, tokens and permissions, with the source
beside each rule; permission comes before existence (AIP-131). Keys are of the protection level
SOFTWARE. Not here: import, MAC, raw and asymmetric encryption, labels, rotation by schedule,
policies of IAM, filters and orders of lists.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports import rest_base

from tests.peers.fakes import cloud_kms_errors as errors
from tests.peers.fakes.cloud_kms_methods import ID, METHODS
from tests.peers.fakes.cloud_kms_store import (
    PURPOSES,
    SIGNING,
    STATES,
    SYMMETRIC,
    CryptoKey,
    Key,
    KeyRing,
    Ring,
    Store,
    Version,
)
from tests.peers.fakes.secret_manager_access import Title
from tests.peers.fakes.secret_manager_errors import invalid
from tests.peers.fakes.secret_manager_log import Log
from tests.peers.fakes.secret_manager_rest import Rest
from tests.peers.fakes.secret_manager_service import Service
from tests.peers.fakes.secret_manager_store import checksum

# The words: terraform-google-modules/terraform-example-foundation issue 1142.
TITLE = Title(
    "cloudkms.googleapis.com",
    "google.cloud.kms.v1.KeyManagementService",
    "Cloud Key Management Service (KMS) API",
)
# EncryptRequest.plaintext and .additional_authenticated_data, of keys in software.
LARGEST = 64 * 1024
PAGE = 1000
DIGEST = 32
PRIMARY = int(PURPOSES.ENCRYPT_DECRYPT)
SIGNS = int(PURPOSES.ASYMMETRIC_SIGN)


class CloudKms:
    """The methods. ``beside`` is Secret Manager in the same process."""

    def __init__(self, beside: Service) -> None:
        self.access = beside.access.of(TITLE)
        self.trouble = beside.trouble
        self.store = Store(beside.store.clock)

    def application(self, log: Log) -> web.Application:
        base = rest_base._BaseKeyManagementServiceRestTransport
        return Rest(self, log, METHODS, base).application()

    def call(self, method: str, request: Any, headers: Mapping[str, str]) -> Any:
        """The answer. Raises `Refusal`."""
        known = METHODS[method]
        caller = self.access.caller(headers, method, self.store.clock.now())
        self.access.check_quota_project(caller, headers)
        name = known.resource(request)
        found = known.grammar.fullmatch(name)
        if found is None:
            raise invalid(f"Invalid resource field value in the request: [{known.field}].")
        project = self.access.project(found[1])
        name = name.replace(f"projects/{found[1]}/", f"projects/{project.id}/", 1)
        self.access.check(caller, known.permission, name)
        failure = self.trouble.failure(method)
        if failure is not None:
            raise failure(project.number)
        handler: Callable[[Any, str], Any] = getattr(self, known.handler)
        return handler(request, name)

    # -- rings

    def create_key_ring(self, request: Any, name: str) -> Any:
        made = self._named(name, "keyRings", request.key_ring_id, "key_ring_id")
        if made in self.store.rings:
            raise errors.exists("KeyRing", made)
        ring = Ring(KeyRing(name=made))
        self.store.clock.stamp(ring.message.create_time)
        self.store.rings[made] = ring
        return ring.message

    def get_key_ring(self, request: Any, name: str) -> Any:
        return self.store.ring(name).message

    def list_key_rings(self, request: Any, name: str) -> Any:
        there = self.store.rings.items()
        found = sorted((key, ring.message) for key, ring in there if key.startswith(f"{name}/"))
        page, token = _page(found, request)
        answer = METHODS["ListKeyRings"].answer
        return answer(key_rings=page, next_page_token=token, total_size=len(found))

    # -- keys

    def create_crypto_key(self, request: Any, name: str) -> Any:
        """Purpose and algorithm "are required" (CreateCryptoKey), but for encryption, where the
        template's default is GOOGLE_SYMMETRIC_ENCRYPTION (CryptoKeyVersionTemplate)."""
        ring = self.store.ring(name)
        made = self._named(name, "cryptoKeys", request.crypto_key_id, "crypto_key_id")
        purpose = request.crypto_key.purpose
        algorithm = request.crypto_key.version_template.algorithm
        if purpose == PRIMARY:
            algorithm = algorithm or SYMMETRIC
        allowed = {PRIMARY: {SYMMETRIC}, SIGNS: SIGNING}.get(purpose)
        if allowed is None:
            raise invalid("Field [crypto_key.purpose] is none that this fake knows.")
        if algorithm not in allowed:
            raise invalid("The algorithm does not fit the purpose of the CryptoKey.")
        if made in ring.keys:
            raise errors.exists("CryptoKey", made)
        message = CryptoKey(name=made, purpose=purpose)
        message.version_template.algorithm = algorithm
        message.version_template.protection_level = kms_v1.ProtectionLevel.SOFTWARE
        self.store.clock.stamp(message.create_time)
        key = ring.keys[made] = Key(message, ring)
        if not request.skip_initial_version_creation:
            self.store.add_version(key, self.trouble.pending)
            key.primary = 1 if purpose == PRIMARY else 0
        return key.shown()

    def get_crypto_key(self, request: Any, name: str) -> Any:
        return self.store.key(name).shown()

    def list_crypto_keys(self, request: Any, name: str) -> Any:
        ring = self.store.ring(name)
        found = sorted((key, self.store.key(key).shown()) for key in ring.keys)
        page, token = _page(found, request)
        answer = METHODS["ListCryptoKeys"].answer
        return answer(crypto_keys=page, next_page_token=token, total_size=len(found))

    def update_crypto_key_primary_version(self, request: Any, name: str) -> Any:
        """It "returns an error if called on a key whose purpose is not ENCRYPT_DECRYPT". A
        version that is not enabled may become the primary one (key-states)."""
        key = self.store.key(name)
        self._check_purpose(key, PRIMARY, "UpdateCryptoKeyPrimaryVersion")
        _, version = self.store.version(
            f"{name}/cryptoKeyVersions/{request.crypto_key_version_id}"
        )
        key.primary = key.versions.index(version) + 1
        return key.shown()

    # -- versions

    def create_crypto_key_version(self, request: Any, name: str) -> Any:
        """It does not become the primary one."""
        key = self.store.key(name)
        return self.store.add_version(key, self.trouble.pending).message

    def get_crypto_key_version(self, request: Any, name: str) -> Any:
        return self.store.version(name)[1].message

    def list_crypto_key_versions(self, request: Any, name: str) -> Any:
        versions = self.store.key(name).versions
        found = [(f"{at:09}", version.message) for at, version in enumerate(versions)]
        page, token = _page(found, request)
        answer = METHODS["ListCryptoKeyVersions"].answer
        return answer(crypto_key_versions=page, next_page_token=token, total_size=len(found))

    def update_crypto_key_version(self, request: Any, name: str) -> Any:
        """The "state may be changed between ENABLED and DISABLED using this method"."""
        _, version = self.store.version(name)
        if list(request.update_mask.paths) != ["state"]:
            raise invalid("Invalid update mask.", "update_mask")
        wanted, moves = request.crypto_key_version.state, (STATES.ENABLED, STATES.DISABLED)
        if wanted not in moves or version.message.state not in moves:
            raise errors.wrong_state(name, version.state, "changed so")
        version.message.state = wanted
        return version.message

    def destroy_crypto_key_version(self, request: Any, name: str) -> Any:
        _, version = self.store.version(name)
        if version.message.state not in (STATES.ENABLED, STATES.DISABLED):
            raise errors.wrong_state(name, version.state, "destroyed")
        self.store.schedule(version)
        return version.message

    def restore_crypto_key_version(self, request: Any, name: str) -> Any:
        _, version = self.store.version(name)
        if version.message.state != STATES.DESTROY_SCHEDULED:
            raise errors.wrong_state(name, version.state, "restored")
        version.message.state = STATES.DISABLED
        version.message.ClearField("destroy_time")
        return version.message

    def get_public_key(self, request: Any, name: str) -> Any:
        key, version = self.store.version(name)
        self._check_purpose(key, SIGNS, "GetPublicKey")
        version.check_enabled()
        answer = METHODS["GetPublicKey"].answer(
            name=name,
            pem=version.public_pem(),
            algorithm=version.message.algorithm,
            protection_level=version.message.protection_level,
        )
        answer.pem_crc32c.value = checksum(answer.pem.encode())
        return answer

    # -- use

    def encrypt(self, request: Any, name: str) -> Any:
        """By its primary version, "if a CryptoKey is specified" (EncryptRequest.name)."""
        key, version = self._to_encrypt(name)
        plain = self._received(request, "plaintext")
        about = self._received(request, "additional_authenticated_data", corrupt=False)
        for field, data in (("plaintext", plain), ("additional_authenticated_data", about)):
            if len(data) > LARGEST:
                raise errors.too_long(field, LARGEST)
        if not plain:
            raise invalid("Field [plaintext] is required.", "plaintext")
        version.check_enabled()
        sealed = key.encrypt(version, plain, about)
        answer = METHODS["Encrypt"].answer(
            name=version.message.name,
            ciphertext=self.trouble.sent(sealed),
            verified_plaintext_crc32c=request.HasField("plaintext_crc32c"),
            verified_additional_authenticated_data_crc32c=request.HasField(
                "additional_authenticated_data_crc32c"
            ),
            protection_level=version.message.protection_level,
        )
        answer.ciphertext_crc32c.value = checksum(sealed)
        return answer

    def decrypt(self, request: Any, name: str) -> Any:
        key = self.store.key(name)
        self._check_purpose(key, PRIMARY, "Decrypt")
        sealed = self._received(request, "ciphertext")
        about = self._received(request, "additional_authenticated_data", corrupt=False)
        if not sealed:
            raise invalid("Field [ciphertext] is required.", "ciphertext")
        version, plain = key.decrypt(sealed, about)
        answer = METHODS["Decrypt"].answer(
            plaintext=self.trouble.sent(plain),
            used_primary=key.versions.index(version) + 1 == key.primary,
            protection_level=version.message.protection_level,
        )
        answer.plaintext_crc32c.value = checksum(plain)
        return answer

    def asymmetric_sign(self, request: Any, name: str) -> Any:
        key, version = self.store.version(name)
        self._check_purpose(key, SIGNS, "AsymmetricSign")
        digest = request.digest.sha256
        if len(digest) != DIGEST:
            raise invalid("The digest is not one of SHA-256.", "digest")
        received = checksum(self.trouble.received(digest))
        if request.HasField("digest_crc32c") and received != request.digest_crc32c.value:
            raise errors.wrong_checksum("digest")
        version.check_enabled()
        signature = version.sign(digest)
        answer = METHODS["AsymmetricSign"].answer(
            name=name,
            signature=self.trouble.sent(signature),
            verified_digest_crc32c=request.HasField("digest_crc32c"),
            protection_level=version.message.protection_level,
        )
        answer.signature_crc32c.value = checksum(signature)
        return answer

    # -- helpers

    def _to_encrypt(self, name: str) -> tuple[Key, Version]:
        if "/cryptoKeyVersions/" in name:
            key, version = self.store.version(name)
            self._check_purpose(key, PRIMARY, "Encrypt")
            return key, version
        key = self.store.key(name)
        self._check_purpose(key, PRIMARY, "Encrypt")
        if not key.primary:
            raise errors.no_primary(name)
        return key, key.versions[key.primary - 1]

    def _received(self, request: Any, field: str, *, corrupt: bool = True) -> bytes:
        """The bytes of a field, which fit their checksum if there is one."""
        data: bytes = getattr(request, field)
        if corrupt and data:
            data = self.trouble.received(data)
        given = f"{field}_crc32c"
        if request.HasField(given) and checksum(data) != getattr(request, given).value:
            raise errors.wrong_checksum(field)
        return data

    @staticmethod
    def _check_purpose(key: Key, purpose: int, method: str) -> None:
        if key.message.purpose != purpose:
            name = PURPOSES(key.message.purpose).name
            raise errors.wrong_purpose(key.message.name, method, name)

    @staticmethod
    def _named(parent: str, kind: str, given: str, field: str) -> str:
        if ID.fullmatch(given) is None:
            raise invalid(f"Field [{field}] does not match {ID.pattern}.", field)
        return f"{parent}/{kind}/{given}"


def _page(found: Sequence[tuple[str, Any]], request: Any) -> tuple[list[Any], str]:
    """A page of what is sorted by the first of each pair, and the token of the next one.

    "If unspecified, the server will pick an appropriate default" (page_size)."""
    if request.page_size < 0:
        raise invalid("Field [page_size] is negative.", "page_size")
    size = min(request.page_size or PAGE, PAGE)
    begin = _marker(request.page_token)
    rest = [pair for pair in found if pair[0] >= begin]
    token = ""
    if len(rest) > size:
        token = base64.urlsafe_b64encode(f"from:{rest[size][0]}".encode()).decode("ascii")
    return [message for _, message in rest[:size]], token


def _marker(token: str) -> str:
    if not token:
        return ""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if not text.startswith("from:"):
        raise invalid("Invalid page token.", "page_token")
    return text.removeprefix("from:")
