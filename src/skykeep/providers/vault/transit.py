"""``Transit``: the driver of the transit engine of Vault and OpenBao.

Paths and bodies: openbao ``website/content/api-docs/secret/transit.mdx``. The encryption
context is the associated data of AES-256-GCM; neither ``datakey`` nor ``rewrap`` takes any, so
a data key is made here and encrypted there, and rewrapping is left to us.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from skykeep.envelope.key_material import does_not_open
from skykeep.envelope.keys import new_dek
from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.cursor import cursor as cursor_of
from skykeep.interfaces.cursor import position
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import (
    Context,
    DataKey,
    KeyCapabilities,
    KeyDriver,
    KeyInfo,
    KeyPage,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.answers import Listed
from skykeep.providers.vault.names import check_mount, encoded
from skykeep.providers.vault.session import Session, decoded, open_session
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.transit_errors import WRONG_TYPE, cannot, key_error, no_signature
from skykeep.providers.vault.transit_names import KeyNames

T = TypeVar("T")

MAX_PLAINTEXT_BYTES: Final = 64 * 1024
"""Ours: the server takes what a request of 32 MiB holds, and values that large are better
encrypted under a data key."""

MAX_CONTEXT_BYTES: Final = 8192
"""Ours, likewise."""

TYPES: Final[dict[SignatureAlgorithm, str]] = {
    "ecdsa-p256-sha256": "ecdsa-p256",
    "rsa-pss-sha256": "rsa-3072",
}
"""Types that keys for signing are made as. One RSA key can do both paddings, so only PSS is
offered: a key has one algorithm."""

_CIPHERTEXT = re.compile(rb"vault:v[0-9]{1,9}:[A-Za-z0-9+/=]+\Z")
_SIGNATURE = re.compile(r"vault:v([0-9]{1,9}):([A-Za-z0-9+/=]+)\Z")
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z")


class _Kept(msgspec.Struct):
    type: str
    latest_version: int
    keys: dict[str, Any]
    supports_encryption: bool = False
    supports_signing: bool = False
    soft_deleted: bool = False


class _Key(msgspec.Struct):
    data: _Kept


class _Encrypted(msgspec.Struct):
    ciphertext: str


class _EncryptedReply(msgspec.Struct):
    data: _Encrypted


class _Decrypted(msgspec.Struct):
    plaintext: str

    def __repr__(self) -> str:
        return "_Decrypted()"


class _DecryptedReply(msgspec.Struct):
    data: _Decrypted


class _Signed(msgspec.Struct):
    signature: str


class _SignedReply(msgspec.Struct):
    data: _Signed


class _Verified(msgspec.Struct):
    valid: bool


class _VerifiedReply(msgspec.Struct):
    data: _Verified


class Transit(KeyDriver):
    """Keys of one transit engine."""

    capabilities = KeyCapabilities(
        rewrap=False,
        signatures=tuple(TYPES),
        max_plaintext_bytes=MAX_PLAINTEXT_BYTES,
        max_context_bytes=MAX_CONTEXT_BYTES,
    )

    def __init__(self, session: Session, settings: VaultSettings) -> None:
        self._session = session
        self._mount = encoded(check_mount(settings.transit_mount))
        self._names = KeyNames(settings.keys_prefix or "")

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def describe(self, name: str) -> KeyInfo:
        return self._info(name, await self._kept(name))

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        body = _with_context({"type": WRONG_TYPE}, context)
        reply = await self._ask(
            "encrypt", name, body, _EncryptedReply, lambda: {"plaintext": _plain(plaintext)}
        )
        return reply.data.ciphertext.encode()

    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        if not _CIPHERTEXT.match(ciphertext):
            await self._kept(name)
            raise does_not_open()
        body = _with_context({"ciphertext": ciphertext.decode()}, context)
        reply = await self._ask("decrypt", name, body, _DecryptedReply)
        return SecretValue(base64.b64decode(reply.data.plaintext))

    async def generate(self, name: str, context: Context) -> DataKey:
        plain = SecretValue(new_dek())
        return DataKey(plain, await self.encrypt(name, plain, context))

    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        try:
            await self._kept(name)
        except NotFound:
            pass
        else:
            # The server would leave it as it is and say nothing.
            raise Conflict(f"there is a key {shown(name)}")
        kind = "aes256-gcm96"
        if purpose == "sign":
            kind = TYPES.get(algorithm or "ecdsa-p256-sha256", "")
            if not kind:
                raise Invalid(f"transit keys do not sign with {algorithm}")
        # Older servers answer a key that was made with 204 and no body.
        await self._ask("keys", name, {"type": kind}, type(None))
        return await self.describe(name)

    async def rotate(self, name: str) -> KeyInfo:
        await self._ask("keys", name, {}, type(None), after="/rotate")
        return await self.describe(name)

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        start = f"{prefix}/" if prefix else ""
        last = position(cursor, start, False) if cursor is not None else ""
        found = await self._session.find("LIST", f"{self._mount}/keys", kind=Listed)
        names = (self._names.portable(each) for each in (found.data.keys if found else ()))
        wanted = sorted(each for each in names if each and each.startswith(start))
        rest = [each for each in wanted if each > last]
        page = rest[:limit]
        items = [await self.describe(each) for each in page]
        return KeyPage(items, cursor_of(start, page[-1], False) if len(rest) > limit else None)

    async def sign(self, name: str, digest: bytes) -> Signature:
        reply = await self._ask("sign", name, _to_sign(digest), _SignedReply, after="/sha2-256")
        found = _SIGNATURE.match(reply.data.signature)
        if found is None:
            raise Invalid("the server's signature has another form than Vault's")
        return Signature(base64.b64decode(found[2]), found[1])

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        kept = await self._kept(name)
        version = signature.version or str(kept.latest_version)
        if not kept.supports_signing:
            raise cannot(name)
        if not _VERSION.match(version):
            return False
        text = base64.b64encode(signature.data).decode()
        body = {**_to_sign(digest), "signature": f"vault:v{version}:{text}"}
        path = f"{self._mount}/verify/{encoded(self._names.stored(name))}/sha2-256"
        reply = await self._session.reply("POST", path, body)
        if no_signature(reply):
            return False
        if reply.status >= 300:
            raise key_error(reply, name, "POST", path)
        return decoded(reply, _VerifiedReply).data.valid

    async def _kept(self, name: str) -> _Kept:
        path = f"{self._mount}/keys/{encoded(self._names.stored(name))}"
        reply = await self._session.reply("GET", path)
        if reply.status >= 300:
            raise key_error(reply, name, "GET", path)
        return decoded(reply, _Key).data

    async def _ask(
        self,
        verb: str,
        name: str,
        body: Mapping[str, Any],
        kind: type[T],
        secretly: Callable[[], Mapping[str, Any]] | None = None,
        *,
        after: str = "",
    ) -> T:
        path = f"{self._mount}/{verb}/{encoded(self._names.stored(name))}{after}"
        whole = {**body, **secretly()} if secretly is not None else body
        try:
            reply = await self._session.reply("POST", path, whole)
        finally:
            del whole  # reports of errors may show the variables of a frame
        if reply.status >= 300:
            raise key_error(reply, name, "POST", path)
        return decoded(reply, kind)

    def _info(self, name: str, kept: _Kept) -> KeyInfo:
        signs = kept.supports_signing and not kept.supports_encryption
        algorithm: SignatureAlgorithm | None = None
        if signs or kept.type.startswith("rsa-"):
            algorithm = "rsa-pss-sha256" if kept.type.startswith("rsa-") else None
            if kept.type == "ecdsa-p256":
                algorithm = "ecdsa-p256-sha256"
        return KeyInfo(
            name,
            "sign" if algorithm else "encrypt",
            "pending_deletion" if kept.soft_deleted else "enabled",
            str(kept.latest_version),
            algorithm,
            _first(kept.keys),
            self._names.stored(name),
        )


async def open_keys(settings: VaultSettings, context: OpenContext) -> Transit:
    """The driver of the transit engine. Raises ``ConfigError``, ``MissingExtra``."""
    return Transit(open_session(settings, context), settings)


def _with_context(body: dict[str, str], context: Context) -> dict[str, str]:
    packed = packed_context(context)
    if packed:
        body["associated_data"] = base64.b64encode(packed).decode()
    return body


def _plain(value: SecretValue) -> str:
    return base64.b64encode(value.reveal()).decode()


def _to_sign(digest: bytes) -> dict[str, Any]:
    return {
        "input": base64.b64encode(digest).decode(),
        "prehashed": True,
        "marshaling_algorithm": "asn1",
        "signature_algorithm": "pss",
        "salt_length": "hash",
    }


def _first(versions: Mapping[str, Any]) -> datetime | None:
    """When the oldest version that is kept was made: seconds since 1970, or RFC 3339."""
    if not versions:
        return None
    about = versions[min(versions, key=int)]
    try:
        if isinstance(about, int):
            return datetime.fromtimestamp(about, UTC)
        text: str = about["creation_time"]
        return datetime.fromisoformat(text[:19] + "+00:00")
    except (KeyError, TypeError, ValueError, binascii.Error, OverflowError):
        return None
