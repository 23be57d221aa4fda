"""What of moto's KMS departs from AWS, mended: the states and uses of keys, and pages.

Used by ``mended_moto.py``, in the Python of the peers' environment. What AWS does is that of
the AWS KMS API reference: the errors of each action, and "Key states of AWS KMS keys" in the
Developer Guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

# mypy runs where the peers are not: what they are made of is in an environment of its own.
from moto.core.exceptions import JsonRESTError  # type: ignore[import-not-found]
from moto.kms import utils  # type: ignore[import-not-found]
from moto.kms.exceptions import InvalidCiphertextException  # type: ignore[import-not-found]
from moto.kms.models import KmsBackend  # type: ignore[import-not-found]
from moto.kms.responses import KmsResponse  # type: ignore[import-not-found]

Action = Callable[[Any], str]


def usable(action: Action, usage: str, field: str = "KeyId") -> Action:
    """The action refuses a key that is disabled, about to be deleted, or for something else;
    moto uses it."""

    def checked(self: Any) -> str:
        name = self._get_param(field)
        self._validate_key_id(name)
        key = self.kms_backend.describe_key(name)
        if key.key_state == "Disabled":
            raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
        if key.key_state != "Enabled":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key.key_usage != usage:
            raise JsonRESTError(
                "InvalidKeyUsageException", f"{key.arn} is for {key.key_usage}."
            )
        return action(self)

    return checked


def decrypt(
    self: Any,
    ciphertext_blob: bytes,
    encryption_context: dict[str, str],
    key_id: str | None = None,
) -> tuple[bytes, str]:
    """A ciphertext of no key is InvalidCiphertextException, one of another key than the named
    one IncorrectKeyException; moto denies access in both cases."""
    try:
        made_by = utils._deserialize_ciphertext_blob(ciphertext_blob=ciphertext_blob).key_id
    except Exception:  # noqa: BLE001  (moto's parser raises many)
        raise InvalidCiphertextException from None
    if made_by not in self.keys:
        raise InvalidCiphertextException
    if key_id is not None and self.any_id_to_key_id(key_id) != made_by:
        raise JsonRESTError("IncorrectKeyException", "The key ID is not the one that it was.")
    plaintext, made_by = utils.decrypt(
        master_keys=self.keys,
        ciphertext_blob=ciphertext_blob,
        encryption_context=encryption_context,
    )
    return plaintext, self.keys[made_by].arn


def context(encryption_context: dict[str, str]) -> bytes:
    """No two contexts are one; moto joins names and values without saying where they end."""
    return json.dumps(sorted(encryption_context.items())).encode()


def rotate(action: Action) -> Action:
    """Only keys that encrypt can be rotated."""

    def checked(self: Any) -> str:
        name = self._get_param("KeyId")
        self._validate_key_id(name)
        if self.kms_backend.describe_key(name).key_spec != "SYMMETRIC_DEFAULT":
            raise JsonRESTError("UnsupportedOperationException", "")
        return action(self)

    return checked


def sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
    """MessageType DIGEST, which is all that skykeep sends, is a digest already, and the salt of
    PSS is as long as it (Sign, ``SigningAlgorithm``); moto hashes it again."""
    signature: bytes = self.private_key.sign(message, *_how(signing_algorithm))
    return signature


def verify(self: Any, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
    """As ``sign``."""
    try:
        self.private_key.public_key().verify(signature, message, *_how(signing_algorithm))
    except InvalidSignature:
        return False
    return True


def _how(signing_algorithm: str) -> tuple[Any, ...]:
    digest = Prehashed(hashes.SHA256())
    if signing_algorithm == "ECDSA_SHA_256":
        return (ec.ECDSA(digest),)
    assert signing_algorithm == "RSASSA_PSS_SHA_256"
    return (padding.PSS(padding.MGF1(hashes.SHA256()), 32), digest)


def re_encrypt(action: Action) -> Action:
    """SourceKeyId is looked at; moto does not."""

    def checked(self: Any) -> str:
        source = self._get_param("SourceKeyId")
        if source is not None:
            self.kms_backend.decrypt(
                ciphertext_blob=self._get_param("CiphertextBlob"),
                encryption_context=self._get_param("SourceEncryptionContext", {}),
                key_id=source,
            )
        return action(self)

    return checked


def list_aliases(action: Action) -> Action:
    """Limit and Marker count, and aliases are in an order; moto gives all at once."""

    def paged(self: Any) -> str:
        found = json.loads(action(self))["Aliases"]
        found.sort(key=lambda entry: entry["AliasName"])
        marker = self._get_param("Marker") or ""
        rest = [entry for entry in found if entry["AliasName"] > marker]
        page = rest[: int(self._get_param("Limit") or 50)]
        answer: dict[str, Any] = {"Aliases": page, "Truncated": len(rest) > len(page)}
        if answer["Truncated"]:
            answer["NextMarker"] = page[-1]["AliasName"]
        return json.dumps(answer)

    return paged


def mend() -> None:
    for name in ("encrypt", "decrypt", "generate_data_key"):
        setattr(KmsResponse, name, usable(getattr(KmsResponse, name), "ENCRYPT_DECRYPT"))
    for name in ("sign", "verify"):
        setattr(KmsResponse, name, usable(getattr(KmsResponse, name), "SIGN_VERIFY"))
    KmsResponse.re_encrypt = usable(
        re_encrypt(KmsResponse.re_encrypt), "ENCRYPT_DECRYPT", "DestinationKeyId"
    )
    KmsResponse.list_aliases = list_aliases(KmsResponse.list_aliases)
    KmsResponse.rotate_key_on_demand = rotate(KmsResponse.rotate_key_on_demand)
    for kind in (utils.RSAPrivateKey, utils.ECDSAPrivateKey):
        kind.sign, kind.verify = sign, verify
    KmsBackend.decrypt = decrypt
    utils._serialize_encryption_context = context
