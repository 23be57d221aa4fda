"""What the methods of Cloud KMS ask for and answer, and whom they need.

The messages are those of google-cloud-kms; the permissions those of
cloud.google.com/kms/docs/reference/permissions-and-roles.
"""

from __future__ import annotations

import re
from typing import Any

from google.cloud import kms_v1

from tests.peers.fakes.secret_manager_methods import Method

LOCATION = re.compile(r"projects/([^/]+)/locations/([^/]+)")
RING = re.compile(rf"{LOCATION.pattern}/keyRings/([^/]+)")
KEY = re.compile(rf"{RING.pattern}/cryptoKeys/([^/]+)")
VERSION = re.compile(rf"{KEY.pattern}/cryptoKeyVersions/([^/]+)")
KEY_OR_VERSION = re.compile(rf"{KEY.pattern}(?:/cryptoKeyVersions/([^/]+))?")

# CreateKeyRingRequest.key_ring_id, CreateCryptoKeyRequest.crypto_key_id
ID = re.compile(r"[a-zA-Z0-9_-]{1,63}")


def _of(
    name: str, permission: str, answer: Any, field: str, grammar: re.Pattern[str]
) -> Method:
    request = getattr(kms_v1, f"{name}Request").pb()
    return Method(name, request, answer.pb(), f"cloudkms.{permission}", field, grammar)


_RINGS, _KEYS = kms_v1.ListKeyRingsResponse, kms_v1.ListCryptoKeysResponse
_VERSIONS = kms_v1.ListCryptoKeyVersionsResponse
_RING, _KEY, _VERSION = kms_v1.KeyRing, kms_v1.CryptoKey, kms_v1.CryptoKeyVersion
_USE = "cryptoKeyVersions.useTo"

METHODS = {
    method.name: method
    for method in (
        _of("ListKeyRings", "keyRings.list", _RINGS, "parent", LOCATION),
        _of("CreateKeyRing", "keyRings.create", _RING, "parent", LOCATION),
        _of("GetKeyRing", "keyRings.get", _RING, "name", RING),
        _of("ListCryptoKeys", "cryptoKeys.list", _KEYS, "parent", RING),
        _of("CreateCryptoKey", "cryptoKeys.create", _KEY, "parent", RING),
        _of("GetCryptoKey", "cryptoKeys.get", _KEY, "name", KEY),
        _of("UpdateCryptoKeyPrimaryVersion", "cryptoKeys.update", _KEY, "name", KEY),
        _of("ListCryptoKeyVersions", "cryptoKeyVersions.list", _VERSIONS, "parent", KEY),
        _of("CreateCryptoKeyVersion", "cryptoKeyVersions.create", _VERSION, "parent", KEY),
        _of("GetCryptoKeyVersion", "cryptoKeyVersions.get", _VERSION, "name", VERSION),
        _of(
            "UpdateCryptoKeyVersion",
            "cryptoKeyVersions.update",
            _VERSION,
            "crypto_key_version.name",
            VERSION,
        ),
        _of("DestroyCryptoKeyVersion", "cryptoKeyVersions.destroy", _VERSION, "name", VERSION),
        _of("RestoreCryptoKeyVersion", "cryptoKeyVersions.restore", _VERSION, "name", VERSION),
        _of(
            "GetPublicKey",
            "cryptoKeyVersions.viewPublicKey",
            kms_v1.PublicKey,
            "name",
            VERSION,
        ),
        _of("Encrypt", f"{_USE}Encrypt", kms_v1.EncryptResponse, "name", KEY_OR_VERSION),
        _of("Decrypt", f"{_USE}Decrypt", kms_v1.DecryptResponse, "name", KEY),
        _of("AsymmetricSign", f"{_USE}Sign", kms_v1.AsymmetricSignResponse, "name", VERSION),
    )
}
