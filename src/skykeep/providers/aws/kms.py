"""``Kms``: the driver of AWS KMS. Actions and limits are those of botocore's model of kms.

A key is known by an alias; its id stays the same when it is rotated, and AWS does not tell
which of its materials encrypted something. Decrypting names the key: a ciphertext of another
key, which these credentials may well be allowed to use, does not open.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from skykeep.envelope.key_material import does_not_open
from skykeep.errors import Conflict, Corrupt, Invalid, NotFound, SkykeepError
from skykeep.interfaces.key_driver import (
    DATA_KEY_BYTES,
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
from skykeep.providers.aws.client import NOTHING, Answer, Secretly
from skykeep.providers.aws.cursors import cursor_of, token_of
from skykeep.providers.aws.endpoints import KMS, named_address
from skykeep.providers.aws.errors import translate
from skykeep.providers.aws.kms_errors import INVALID_SIGNATURE, OPENS_NOT, OWN
from skykeep.providers.aws.kms_names import KeyNames
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.settings import AwsSettings

MAX_PLAINTEXT_BYTES: Final = 4096
MAX_CIPHERTEXT_BYTES: Final = 6144
MAX_CONTEXT_BYTES: Final = 4096
"""Ours: AWS writes the context into every record of CloudTrail, and says no limit."""
MAX_PAGE: Final = 100
DELETED_AFTER_DAYS: Final = 7
"""How long a key that got no alias waits for its deletion: the shortest that AWS has."""
AT_ONCE: Final = 8

SPECS: Final[dict[SignatureAlgorithm, str]] = {
    "ecdsa-p256-sha256": "ECC_NIST_P256",
    "rsa-pss-sha256": "RSA_3072",
}
"""What keys for signing are made as. An RSA key of AWS can do both paddings, so only PSS is
offered: a key has one algorithm."""
_SIGNING: Final[dict[SignatureAlgorithm, str]] = {
    "ecdsa-p256-sha256": "ECDSA_SHA_256",
    "rsa-pss-sha256": "RSASSA_PSS_SHA_256",
}
_SILENT: Final = frozenset({"CreateAlias"})
"""Actions whose answer is empty."""
_STATES: Final[Mapping[str, KeyState]] = {
    "Enabled": "enabled",
    "Updating": "enabled",
    "Disabled": "disabled",
    "PendingDeletion": "pending_deletion",
    "PendingReplicaDeletion": "pending_deletion",
}


class Kms(KeyDriver):
    """Keys of one account and region."""

    capabilities = KeyCapabilities(
        signatures=tuple(SPECS),
        max_plaintext_bytes=MAX_PLAINTEXT_BYTES,
        max_context_bytes=MAX_CONTEXT_BYTES,
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self.client = session.client(KMS)
        self._names = KeyNames(session.settings.keys_prefix or "")

    async def close(self) -> None:
        await self.client.close()

    def after_fork(self) -> None:
        self.client.after_fork()

    async def region(self) -> str | None:
        # As of secrets (``places.py``): AWS's own addresses are of one region each; elsewhere
        # an ARN tells, for which nothing is sent but the wish for a page of one.
        if not named_address(KMS, self._session.settings, self._session.environ):
            return self.client.region
        keys = (await self._ask("ListKeys", {"Limit": 1}, "")).get("Keys") or [{}]
        parts = str(keys[0].get("KeyArn", "")).split(":")
        return (parts[3] or None) if len(parts) > 3 else None

    async def describe(self, name: str) -> KeyInfo:
        return _info(name, await self._about(name))

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        answer = await self._ask(
            "Encrypt",
            {"KeyId": self._names.stored(name), **_context("EncryptionContext", context)},
            name,
            lambda: {"Plaintext": _coded(plaintext.reveal())},
        )
        return _bytes(answer, "CiphertextBlob")

    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        await self._check(name, ciphertext)
        answer = await self._ask(
            "Decrypt",
            {
                "KeyId": self._names.stored(name),
                "CiphertextBlob": _coded(ciphertext),
                **_context("EncryptionContext", context),
            },
            name,
        )
        return SecretValue(_bytes(answer, "Plaintext"))

    async def generate(self, name: str, context: Context) -> DataKey:
        fields = {
            "KeyId": self._names.stored(name),
            "NumberOfBytes": DATA_KEY_BYTES,
            **_context("EncryptionContext", context),
        }
        answer = await self._ask("GenerateDataKey", fields, name)
        plain = SecretValue(_bytes(answer, "Plaintext"))
        return DataKey(plain, _bytes(answer, "CiphertextBlob"))

    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        await self._check(name, ciphertext)
        key = self._names.stored(name)
        fields = {
            "SourceKeyId": key,
            "DestinationKeyId": key,
            "CiphertextBlob": _coded(ciphertext),
            **_context("SourceEncryptionContext", context),
            **_context("DestinationEncryptionContext", context),
        }
        return _bytes(await self._ask("ReEncrypt", fields, name), "CiphertextBlob")

    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        alias = self._names.stored(name)
        if not alias.startswith("alias/"):
            raise Invalid(f"{shown(name)} names a key that is there: a new one has an alias")
        fields = {"KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}
        if purpose == "sign":
            spec = SPECS.get(algorithm or "ecdsa-p256-sha256")
            if spec is None:
                raise Invalid(f"keys of AWS KMS are not made for {algorithm} here")
            fields = {"KeyUsage": "SIGN_VERIFY", "KeySpec": spec}
        try:
            await self._about(name)
        except NotFound:
            pass
        else:
            raise Conflict(f"there is a key {shown(name)}")
        made = await self._ask("CreateKey", {**fields, "Description": f"skykeep: {name}"}, name)
        key = made["KeyMetadata"]["KeyId"]
        try:
            await self._ask("CreateAlias", {"AliasName": alias, "TargetKeyId": key}, name)
        except SkykeepError:
            # Nobody could find it, and it would cost a dollar a month.
            await self.client.ask_in_vain(
                "ScheduleKeyDeletion",
                {"KeyId": key, "PendingWindowInDays": DELETED_AFTER_DAYS},
            )
            raise
        return _info(name, made["KeyMetadata"])

    async def rotate(self, name: str) -> KeyInfo:
        about = await self._about(name)  # the action takes no alias
        await self._ask("RotateKeyOnDemand", {"KeyId": about["KeyId"]}, name)
        return _info(name, about)

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        start = f"{prefix}/" if prefix else ""
        fields: dict[str, Any] = {"Limit": min(limit, MAX_PAGE)}
        if cursor is not None:
            fields["Marker"] = token_of(cursor, start, False)
        answer = await self._ask("ListAliases", fields, "")
        found = (
            self._names.portable(entry["AliasName"])
            for entry in answer["Aliases"]
            if "TargetKeyId" in entry
        )
        names = [name for name in found if name and name.startswith(start)]
        items = await side_by_side(self._described, names, AT_ONCE)
        marker = answer.get("NextMarker") if answer.get("Truncated") else None
        return KeyPage(
            [item for item in items if item is not None],
            cursor_of(start, False, marker) if marker else None,
        )

    async def sign(self, name: str, digest: bytes) -> Signature:
        fields = {
            **await self._signer(name),
            "Message": _coded(digest),
            "MessageType": "DIGEST",
        }
        return Signature(_bytes(await self._ask("Sign", fields, name), "Signature"))

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        fields = {
            **await self._signer(name),
            "Message": _coded(digest),
            "MessageType": "DIGEST",
            "Signature": _coded(signature.data),
        }
        if (
            signature.version is not None
            or not 1 <= len(signature.data) <= MAX_CIPHERTEXT_BYTES
        ):
            return False
        reply, failure = await self.client.ask("Verify", fields)
        if failure is None:
            return self.client.answer(reply, "Verify").get("SignatureValid") is True
        if failure.code == INVALID_SIGNATURE:
            return False
        raise translate(failure, title=KMS.title, subject=name, action="Verify", own=OWN)

    async def _about(self, name: str) -> dict[str, Any]:
        answer = await self._ask("DescribeKey", {"KeyId": self._names.stored(name)}, name)
        about: dict[str, Any] = answer["KeyMetadata"]
        return about

    async def _described(self, name: str) -> KeyInfo | None:
        try:
            return await self.describe(name)
        except NotFound:  # deleted meanwhile
            return None

    async def _signer(self, name: str) -> dict[str, str]:
        about = await self._about(name)
        algorithm = _algorithm(about)
        if algorithm is None:
            raise Invalid(
                f"the key {shown(name)} is of a kind that cannot do this",
                hint="`skykeep keys describe` shows what it is for",
            )
        return {"KeyId": about["KeyId"], "SigningAlgorithm": _SIGNING[algorithm]}

    async def _check(self, name: str, ciphertext: bytes) -> None:
        if len(ciphertext) > MAX_CIPHERTEXT_BYTES:
            await self._about(name)  # a key that is not there is told first
            raise does_not_open()

    async def _ask(
        self,
        action: str,
        fields: Mapping[str, Any],
        name: str,
        secretly: Secretly | None = None,
    ) -> Answer:
        reply, failure = await self.client.ask(action, fields or NOTHING, secretly)
        if failure is not None:
            if failure.code in OPENS_NOT:
                refusal = does_not_open()
                refusal.request_id = failure.request_id
                raise refusal
            raise translate(failure, title=KMS.title, subject=name, action=action, own=OWN)
        return Answer() if action in _SILENT else self.client.answer(reply, action)


async def open_keys(settings: AwsSettings, context: OpenContext) -> Kms:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (region, endpoint, TLS), ``MissingExtra``.
    """
    return Kms(await Session.of(settings, context))


def _context(field: str, context: Context) -> dict[str, Any]:
    return {field: dict(context)} if context else {}


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(answer: Answer, field: str) -> bytes:
    try:
        return base64.b64decode(answer[field], validate=True)
    except (KeyError, TypeError, ValueError):
        pass  # its exception may show a part of it
    raise Corrupt(f"{KMS.title}: the answer's {field} is not Base64")


def _algorithm(about: Mapping[str, Any]) -> SignatureAlgorithm | None:
    if about.get("KeyUsage") != "SIGN_VERIFY":
        return None
    spec = str(about.get("KeySpec") or about.get("CustomerMasterKeySpec"))
    if spec.startswith("RSA_"):
        return "rsa-pss-sha256"
    return "ecdsa-p256-sha256" if spec == "ECC_NIST_P256" else None


def _info(name: str, about: Mapping[str, Any]) -> KeyInfo:
    made = about.get("CreationDate")
    return KeyInfo(
        name,
        "sign" if about.get("KeyUsage") == "SIGN_VERIFY" else "encrypt",
        _STATES.get(str(about.get("KeyState")), "unavailable"),
        None,
        _algorithm(about),
        datetime.fromtimestamp(made, UTC) if isinstance(made, (int, float)) else None,
        about.get("Arn"),
    )
