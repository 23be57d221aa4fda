"""``CloudKms``: the driver of Cloud KMS. Calls and limits are those of
``google/cloud/kms/v1/{service,resources}.proto``.

Every value goes and comes with its CRC-32C, which both ends look at ("Verifying end-to-end data
integrity"). A key that signs has versions and no primary one: the newest that is enabled signs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from skykeep.envelope import signatures
from skykeep.envelope.key_material import does_not_open
from skykeep.envelope.keys import new_dek
from skykeep.errors import ConfigError, Corrupt, Invalid, NotFound
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import (
    Context,
    DataKey,
    KeyCapabilities,
    KeyDriver,
    KeyInfo,
    KeyPage,
    KeyPurpose,
    KeyState,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.gcp.checksums import checksum
from skykeep.providers.gcp.kms.answers import (
    Decrypted,
    Encrypted,
    Key,
    Keys,
    PublicKey,
    Signed,
    Version,
    Versions,
)
from skykeep.providers.gcp.kms.errors import TITLE, key_error
from skykeep.providers.gcp.kms.names import KeyNames
from skykeep.providers.gcp.session import Session
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.wire import Wire, WireOptions

T = TypeVar("T")

ENDPOINT: Final = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"
"""gcloud's own variable for the property ``api_endpoint_overrides/cloudkms``."""

MAX_PLAINTEXT_BYTES: Final = 64 * 1024
MAX_CONTEXT_BYTES: Final = 8 * 1024
"""Ours: 64 KiB for keys in software, and 8 KiB with the value for those in hardware
(``EncryptRequest.additional_authenticated_data``)."""
MAX_CIPHERTEXT_BYTES: Final = MAX_PLAINTEXT_BYTES + 4096
MAX_PAGE: Final = 1000
AT_ONCE: Final = 8
WAITS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between looks at a version that is being generated."""

ALGORITHMS: Final[dict[SignatureAlgorithm, str]] = {
    "ecdsa-p256-sha256": "EC_SIGN_P256_SHA256",
    "rsa-pss-sha256": "RSA_SIGN_PSS_3072_SHA256",
    "rsa-pkcs1-sha256": "RSA_SIGN_PKCS1_3072_SHA256",
}
_FAMILIES: Final[tuple[tuple[re.Pattern[str], SignatureAlgorithm], ...]] = (
    (re.compile(r"EC_SIGN_P256_SHA256\Z"), "ecdsa-p256-sha256"),
    (re.compile(r"RSA_SIGN_PSS_[0-9]+_SHA256\Z"), "rsa-pss-sha256"),
    (re.compile(r"RSA_SIGN_PKCS1_[0-9]+_SHA256\Z"), "rsa-pkcs1-sha256"),
)
_STATES: Final[Mapping[str, KeyState]] = {
    "ENABLED": "enabled",
    "DISABLED": "disabled",
    "DESTROY_SCHEDULED": "pending_deletion",
    "DESTROYED": "unavailable",
}
_NUMBER = re.compile(r"[1-9][0-9]{0,18}\Z")


class CloudKms(KeyDriver):
    """Keys of one key ring."""

    capabilities = KeyCapabilities(
        rewrap=False,
        signatures=tuple(ALGORITHMS),
        max_plaintext_bytes=MAX_PLAINTEXT_BYTES,
        max_context_bytes=MAX_CONTEXT_BYTES,
    )

    def __init__(self, session: Session, settings: GcpSettings) -> None:
        self._session = session
        self._ring = settings.key_ring
        self._names = KeyNames(settings.keys_prefix or "")

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def region(self) -> str | None:
        # A key ring lies where its name says: the service knows no other of that name.
        return self._ring.split("/")[3] if self._ring else None

    async def describe(self, name: str) -> KeyInfo:
        return await self._info(name, await self._key(name))

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        crc = checksum()
        packed = packed_context(context)

        def body() -> dict[str, Any]:
            value = plaintext.reveal()
            return {
                "plaintext": value,
                "plaintextCrc32c": str(crc(value)),
                "additionalAuthenticatedData": packed,
                "additionalAuthenticatedDataCrc32c": str(crc(packed)),
            }

        path = f"{self._path(name)}:encrypt"
        answer = await self._ask("Encrypt", path, name, Encrypted, body)
        if not answer.plaintext_verified or not (answer.context_verified or not packed):
            raise _damaged("what it was sent")
        if answer.ciphertext_crc32c != str(crc(answer.ciphertext)):
            raise _damaged("its answer")
        return answer.ciphertext

    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        if len(ciphertext) > MAX_CIPHERTEXT_BYTES:
            await self._key(name)  # a key that is not there is told first
            raise does_not_open()
        crc = checksum()
        packed = packed_context(context)
        body = {
            "ciphertext": ciphertext,
            "ciphertextCrc32c": str(crc(ciphertext)),
            "additionalAuthenticatedData": packed,
            "additionalAuthenticatedDataCrc32c": str(crc(packed)),
        }
        path = f"{self._path(name)}:decrypt"
        answer = await self._ask("Decrypt", path, name, Decrypted, lambda: body)
        whole = answer.plaintext_crc32c == str(crc(answer.plaintext))
        value = SecretValue(answer.plaintext)
        del answer
        if not whole:
            raise _damaged("its answer")
        return value

    async def generate(self, name: str, context: Context) -> DataKey:
        plain = SecretValue(new_dek())
        return DataKey(plain, await self.encrypt(name, plain, context))

    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        stored = self._names.stored(name)
        if "/" in stored:
            raise Invalid(f"{shown(name)} names a key that is there: a new one has an id")
        body: dict[str, Any] = {"purpose": "ENCRYPT_DECRYPT"}
        if purpose == "sign":
            wanted = ALGORITHMS[algorithm or "ecdsa-p256-sha256"]
            body = {"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {"algorithm": wanted}}
        path = f"{self._parent()}/cryptoKeys?{urlencode({'cryptoKeyId': stored})}"
        key = await self._ask("CreateCryptoKey", path, name, Key, lambda: body)
        await self._generated(name, await self._newest(name, key))
        return await self._info(name, key)

    async def rotate(self, name: str) -> KeyInfo:
        key = await self._key(name)
        path = self._path(name)
        made = await self._ask(
            "CreateCryptoKeyVersion", f"{path}/cryptoKeyVersions", name, Version, dict
        )
        if key.purpose == "ENCRYPT_DECRYPT":
            body = {"cryptoKeyVersionId": made.id}
            key = await self._ask(
                "UpdateCryptoKeyPrimaryVersion",
                f"{path}:updatePrimaryVersion",
                name,
                Key,
                lambda: body,
            )
        await self._generated(name, made)
        return await self._info(name, key)

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        start = f"{prefix}/" if prefix else ""
        query = {"pageSize": str(min(limit, MAX_PAGE))}
        if cursor is not None:
            query["pageToken"] = _token(cursor, start)
        path = f"{self._parent()}/cryptoKeys?{urlencode(query)}"
        page = await self._ask("ListCryptoKeys", path, "", Keys)
        named = [
            (name, key)
            for key in page.crypto_keys
            if (name := self._names.portable(key.name.rpartition("/")[2]))
            and name.startswith(start)
        ]
        items = await side_by_side(lambda each: self._info(*each), named, AT_ONCE)
        token = page.next_page_token
        return KeyPage(items, _cursor(token, start) if token else None)

    async def sign(self, name: str, digest: bytes) -> Signature:
        crc = checksum()
        version = await self._newest(name, await self._key(name))
        _algorithm(name, version)
        body = {"digest": {"sha256": digest}, "digestCrc32c": str(crc(digest))}
        path = f"{quote(version.name, safe='/:')}:asymmetricSign"
        answer = await self._ask("AsymmetricSign", path, name, Signed, lambda: body)
        if not answer.digest_verified:
            raise _damaged("what it was sent")
        if answer.signature_crc32c != str(crc(answer.signature)):
            raise _damaged("its answer")
        return Signature(answer.signature, version.id)

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        newest = await self._newest(name, await self._key(name))
        algorithm = _algorithm(name, newest)
        version = signature.version or newest.id
        if not _NUMBER.match(version):
            return False
        path = f"{self._path(name)}/cryptoKeyVersions/{version}/publicKey"
        try:
            answer = await self._ask("GetPublicKey", path, name, PublicKey)
        except NotFound:
            return False
        public = signatures.public_from_pem(answer.pem.encode())
        return signatures.verify(public, algorithm, digest, signature.data)

    # -- inside

    async def _key(self, name: str) -> Key:
        return await self._ask("GetCryptoKey", self._path(name), name, Key)

    async def _newest(self, name: str, key: Key) -> Version:
        """The version that signs: the newest that is enabled, or else the newest."""
        if key.purpose == "ENCRYPT_DECRYPT":
            return key.primary or Version("")
        found: list[Version] = []
        token = ""
        while True:
            query = urlencode({"pageSize": "100", **({"pageToken": token} if token else {})})
            path = f"{quote(key.name, safe='/:')}/cryptoKeyVersions?{query}"
            page = await self._ask("ListCryptoKeyVersions", path, name, Versions)
            found += page.crypto_key_versions
            token = page.next_page_token
            if not token:
                break
        found.sort(key=lambda each: (each.state == "ENABLED", int(each.id or 0)))
        return found[-1] if found else Version("")

    async def _generated(self, name: str, version: Version) -> None:
        """Wait until a new version can be used: those that sign are made after the answer."""
        for wait in WAITS:
            if version.state != "PENDING_GENERATION":
                return
            await asyncio.sleep(wait)
            path = quote(version.name, safe="/:")
            version = await self._ask("GetCryptoKeyVersion", path, name, Version)

    async def _info(self, name: str, key: Key) -> KeyInfo:
        version = await self._newest(name, key)
        algorithm = _known(version.algorithm)
        return KeyInfo(
            name,
            "encrypt" if key.purpose == "ENCRYPT_DECRYPT" else "sign",
            _STATES.get(version.state, "unavailable"),
            version.id or None,
            algorithm,
            key.create_time,
            key.name,
        )

    def _parent(self) -> str:
        if self._ring is None:
            raise ConfigError(
                "no key ring is named",
                hint="give key_ring: projects/P/locations/L/keyRings/R",
            )
        return quote(self._ring, safe="/:")

    def _path(self, name: str) -> str:
        stored = self._names.stored(name)
        if "/" in stored:
            return quote(stored, safe="/:")
        return f"{self._parent()}/cryptoKeys/{stored}"

    async def _ask(
        self,
        action: str,
        path: str,
        name: str,
        kind: type[T],
        body: Callable[[], Mapping[str, Any]] | None = None,
    ) -> T:
        packed = b"" if body is None else msgspec.json.encode(body())
        method = "GET" if body is None else "POST"
        try:
            answer, failure = await self._session.ask(method, path, packed, kind=kind)
        finally:
            del packed  # reports of errors may show the variables of a frame
        if failure is not None:
            raise key_error(failure, subject=name, action=action)
        assert answer is not None  # noqa: S101 - an answer is there or a failure is
        return answer


async def open_keys(settings: GcpSettings, context: OpenContext) -> CloudKms:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (endpoint, TLS), ``MissingExtra``.
    """
    from skykeep.providers.gcp.credentials import open_credentials

    given = settings.keys_endpoint or context.environ.get(ENDPOINT)
    wire = Wire(
        (given or "https://cloudkms.googleapis.com").rstrip("/"),
        options=WireOptions.of(settings),
        environ=context.environ,
        extra="gcp",
        name=context.target,
    )
    credentials = await open_credentials(settings, context)
    return CloudKms(Session(wire, credentials, settings.project, title=TITLE), settings)


def _algorithm(name: str, version: Version) -> SignatureAlgorithm:
    algorithm = _known(version.algorithm)
    if algorithm is None:
        raise Invalid(
            f"the key {shown(name)} is of a kind that cannot do this",
            hint="`skykeep keys describe` shows what it is for",
        )
    return algorithm


def _known(algorithm: str) -> SignatureAlgorithm | None:
    return next((ours for family, ours in _FAMILIES if family.match(algorithm)), None)


def _damaged(what: str) -> Corrupt:
    return Corrupt(
        f"{TITLE}: {what} came damaged (its CRC-32C is another)",
        hint="try again; a proxy on the way may change bodies",
    )


def _cursor(token: str, start: str) -> str:
    return f"{start}:{token}"


def _token(cursor: str, start: str) -> str:
    given, colon, token = cursor.partition(":")
    if not colon or not token or given != start:
        raise Invalid("this cursor is not of this listing", hint="begin the listing anew")
    return token
