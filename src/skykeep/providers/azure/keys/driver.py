"""``KeyVaultKeys``: the driver of Key Vault's keys. Calls and limits are those of
``azure.keyvault.keys._generated``.

A vault's keys are asymmetric: RSA keys wrap a few hundred bytes under a public key, and know no
context. So each value is sealed here, under a key of its own with the context authenticated
(``envelope/hybrid.py``), and that key is wrapped by the vault; without the vault nothing of it
opens. Anybody who may use the public key can make such a ciphertext: that one opens says what
it is bound to, not who made it.

A vault wraps under a disabled key all the same, since that takes the public half only
(Azure/azure-sdk-for-python issue 45342), and refuses to unwrap. So who encrypts looks at the
key first; credentials that may wrap and not ``get`` are not held up by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

from skykeep.envelope import signatures
from skykeep.envelope.hybrid import (
    HybridParts,
    hybrid_parts,
    new_content_key,
    open_hybrid,
    seal_hybrid,
)
from skykeep.envelope.key_material import does_not_open
from skykeep.envelope.keys import new_dek
from skykeep.errors import Conflict, Denied, KeyFailure, NotFound, SkykeepError
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
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
from skykeep.interfaces.names import is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.azure.errors import Failure
from skykeep.providers.azure.keys.answers import (
    Bundle,
    Listed,
    Result,
    Verified,
    to_base64,
)
from skykeep.providers.azure.keys.errors import (
    BAD,
    MISSING,
    disabled,
    key_error,
    other_kind,
)
from skykeep.providers.azure.names import Names
from skykeep.providers.azure.reading import skip_token
from skykeep.providers.azure.session import Session, open_session
from skykeep.providers.azure.settings import AzureSettings

T = TypeVar("T")

WRAPPING: Final = "RSA-OAEP-256"
RSA_BITS: Final = 3072
MAX_PLAINTEXT_BYTES: Final = 64 * 1024
"""Ours: the value is sealed here, and never sent."""
MAX_CONTEXT_BYTES: Final = 8 * 1024
MAX_PAGE: Final = 25
AT_ONCE: Final = 8

ALGORITHMS: Final[dict[SignatureAlgorithm, str]] = {
    "ecdsa-p256-sha256": "ES256",
    "rsa-pss-sha256": "PS256",
}
"""An RSA key can do both paddings, so only PSS is offered: a key has one algorithm."""
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}\Z")


class KeyVaultKeys(KeyDriver):
    """Keys of one vault."""

    capabilities = KeyCapabilities(
        rewrap=False,
        signatures=tuple(ALGORITHMS),
        store_checks_context=False,
        max_plaintext_bytes=MAX_PLAINTEXT_BYTES,
        max_context_bytes=MAX_CONTEXT_BYTES,
    )

    def __init__(self, session: Session, settings: AzureSettings) -> None:
        self._session = session
        self._names = Names(settings.keys_prefix or "")

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def describe(self, name: str) -> KeyInfo:
        return _info(name, await self._bundle(name))

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        version = await self._version_to_wrap(name)
        content = SecretValue(new_content_key())
        wrapped = await self._ask(
            "POST",
            f"{self._path(name)}{version}/wrapkey",
            name,
            "wrapKey",
            kind=Result,
            body=lambda: {"alg": WRAPPING, "value": to_base64(content.reveal())},
        )
        return seal_hybrid(
            content.reveal(), plaintext.reveal(), context, wrapped.version, wrapped.data()
        )

    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        parts = _parts(ciphertext)
        if parts is None:
            raise await self._not_of_this_key(name)
        answer = await self._session.ask(
            "POST",
            f"{self._path(name)}/{parts.version}/unwrapkey",
            {"alg": WRAPPING, "value": to_base64(parts.wrapped)},
            kind=Result,
        )
        if isinstance(answer, Failure):
            if answer.code in (MISSING, BAD):
                raise await self._not_of_this_key(name)
            raise key_error(answer, name, "unwrapKey")
        return SecretValue(open_hybrid(answer.data(), parts, context))

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
            await self._bundle(name)
        except NotFound:
            pass
        else:
            # The vault would make another version of it.
            raise Conflict(f"there is a key {shown(name)}")
        body: dict[str, Any] = {"kty": "RSA", "key_size": RSA_BITS}
        if purpose == "encrypt":
            body["key_ops"] = ["wrapKey", "unwrapKey"]
        else:
            if algorithm in (None, "ecdsa-p256-sha256"):
                body = {"kty": "EC", "crv": "P-256"}
            body["key_ops"] = ["sign", "verify"]
        path = f"{self._path(name)}/create"
        return _info(
            name, await self._ask("POST", path, name, "create", kind=Bundle, body=lambda: body)
        )

    async def rotate(self, name: str) -> KeyInfo:
        path = f"{self._path(name)}/rotate"
        return _info(
            name, await self._ask("POST", path, name, "rotate", kind=Bundle, body=dict)
        )

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        start = self._names.start(prefix)
        target = f"/keys?maxresults={min(limit, MAX_PAGE)}"
        if cursor is not None:
            target += f"&$skiptoken={quote(position(cursor, start, False), safe='')}"
        page = await self._ask("GET", target, prefix or "all keys", "list", kind=Listed)
        found = (self._names.listed(item.stored, start) for item in page.value or ())
        names = [name for name in found if name is not None and not is_native(name)]
        items = await side_by_side(self._described, names, AT_ONCE)
        token = skip_token(page.nextLink)
        return KeyPage(
            [item for item in items if item is not None],
            None if token is None else next_cursor(start, token, False),
        )

    async def sign(self, name: str, digest: bytes) -> Signature:
        algorithm = await self._algorithm(name)
        answer = await self._ask(
            "POST",
            f"{self._path(name)}/sign",
            name,
            "sign",
            kind=Result,
            body=lambda: {"alg": ALGORITHMS[algorithm], "value": to_base64(digest)},
        )
        data = answer.data()
        if algorithm == "ecdsa-p256-sha256":
            data = signatures.ecdsa_as_der(data)
        return Signature(data, answer.version)

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        algorithm = await self._algorithm(name, signature.version)
        data: bytes | None = signature.data
        if algorithm == "ecdsa-p256-sha256":
            data = signatures.ecdsa_as_raw(signature.data)
        if not data or not (signature.version is None or _VERSION.match(signature.version)):
            return False
        version = f"/{signature.version}" if signature.version else ""
        answer = await self._session.ask(
            "POST",
            f"{self._path(name)}{version}/verify",
            {
                "alg": ALGORITHMS[algorithm],
                "digest": to_base64(digest),
                "value": to_base64(data),
            },
            kind=Verified,
        )
        if isinstance(answer, Failure):
            if answer.code in (MISSING, BAD):
                return False  # the key is there: no version of it, or no signature at all
            raise key_error(answer, name, "verify")
        return answer.value

    # -- inside

    async def _bundle(self, name: str) -> Bundle:
        return await self._ask("GET", self._path(name), name, "get", kind=Bundle)

    async def _described(self, name: str) -> KeyInfo | None:
        try:
            return await self.describe(name)
        except NotFound:  # deleted meanwhile
            return None

    async def _version_to_wrap(self, name: str) -> str:
        """The newest version as a part of a path; ``""`` to let the vault choose it."""
        try:
            bundle = await self._bundle(name)
        except Denied:
            return ""
        if bundle.attributes.enabled is False:
            raise disabled(name)
        return f"/{bundle.key.version}"

    async def _not_of_this_key(self, name: str) -> SkykeepError:
        """Why a ciphertext is none of the key's, told in the order that holds everywhere."""
        try:
            info = await self.describe(name)
        except Denied:  # they may unwrap and not look
            return does_not_open()
        if info.purpose != "encrypt":
            return other_kind(name)
        return disabled(name) if info.state == "disabled" else does_not_open()

    async def _algorithm(self, name: str, version: str | None = None) -> SignatureAlgorithm:
        """What the key signs with, if that version, by default the newest, can be used: a vault
        verifies by a disabled one, too."""
        info = await self.describe(name)
        if info.algorithm is None:
            raise other_kind(name)
        if info.state == "disabled" and version in (None, info.version):
            raise disabled(name)
        return info.algorithm

    def _path(self, name: str) -> str:
        return f"/keys/{self._names.stored(name)}"

    async def _ask(
        self,
        method: str,
        target: str,
        name: str,
        needs: str,
        *,
        kind: type[T],
        body: Callable[[], Mapping[str, Any]] | None = None,
    ) -> T:
        whole = None if body is None else body()
        try:
            answer = await self._session.ask(method, target, whole, kind=kind)
        finally:
            del whole  # reports of errors may show the variables of a frame
        if isinstance(answer, Failure):
            raise key_error(answer, name, needs)
        return answer


async def open_keys(settings: AzureSettings, context: OpenContext) -> KeyVaultKeys:
    """The driver; sends nothing. Raises ``ConfigError``, ``MissingExtra``."""
    return KeyVaultKeys(await open_session(settings, context), settings)


def _parts(ciphertext: bytes) -> HybridParts | None:
    try:
        parts = hybrid_parts(ciphertext)
    except KeyFailure:
        return None
    return parts if _VERSION.match(parts.version) else None  # it becomes part of a path


def _info(name: str, bundle: Bundle) -> KeyInfo:
    key, times = bundle.key, bundle.attributes
    ops = key.key_ops or []
    algorithm: SignatureAlgorithm | None = None
    if "sign" in ops and "wrapKey" not in ops:
        if key.kty.startswith("RSA"):
            algorithm = "rsa-pss-sha256"
        elif key.crv == "P-256":
            algorithm = "ecdsa-p256-sha256"
    return KeyInfo(
        name,
        "encrypt" if "wrapKey" in ops else "sign",
        "disabled" if times.enabled is False else "enabled",
        key.version or None,
        algorithm,
        None if times.created is None else datetime.fromtimestamp(times.created, UTC),
        key.kid.rpartition("/")[0].rpartition("/")[2],
    )
