"""What AWS KMS says by codes of its own; all others are read as everywhere (``errors.py``).

The codes are those of botocore's model (``service-2.json`` of kms); a test holds the table
against it.
"""

from __future__ import annotations

from typing import Final

from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Quota,
    Throttled,
    Unavailable,
    Unsupported,
)
from skykeep.providers.aws.errors import Row

INVALID_SIGNATURE: Final = "KMSInvalidSignatureException"

_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_OPENS_NOT = Row(
    KeyFailure,
    "the key does not open this",
    "it was changed, or encrypted under another key or another context",
)
_STATE = Row(
    KeyFailure,
    "the key cannot be used as it is now",
    "is it disabled, or about to be deleted? `skykeep keys describe` tells",
)
_KEY_STORE = Row(
    KeyFailure,
    "the key store that holds the key cannot be used",
    "look at the custom or external key store in AWS KMS",
)
_DOWN = Row(Unavailable, "it failed inside", "try again; then see health.aws.amazon.com")
_GRANT = Row(Denied, "the grant is not good", quote=False)

OWN: Final[dict[str, Row]] = {
    "AlreadyExistsException": Row(Conflict, "the name exists already"),
    "CloudHsmClusterInvalidConfigurationException": _KEY_STORE,
    "CloudHsmClusterNotActiveException": _KEY_STORE,
    "ConflictException": Row(Throttled, "another change of this key is under way"),
    "CustomKeyStoreInvalidStateException": _KEY_STORE,
    "CustomKeyStoreNotFoundException": _KEY_STORE,
    "DependencyTimeoutException": _DOWN,
    "DisabledException": _STATE,
    "DryRunOperationException": _BAD,
    "IncorrectKeyException": _OPENS_NOT,
    "InvalidAliasNameException": _BAD,
    "InvalidArnException": _BAD,
    "InvalidCiphertextException": _OPENS_NOT,
    "InvalidGrantTokenException": _GRANT,
    "InvalidKeyUsageException": Row(
        Invalid,
        "the key is of a kind that cannot do this",
        "`skykeep keys describe` shows what it is for",
        quote=False,
    ),
    "InvalidMarkerException": _BAD,
    "KMSInternalException": _DOWN,
    INVALID_SIGNATURE: Row(KeyFailure, "the key did not sign this"),
    "KMSInvalidStateException": _STATE,
    "KeyUnavailableException": Row(Unavailable, "the key cannot be reached now", "try again"),
    "LimitExceededException": Row(
        Quota, "a limit of the account or of the key is used up", "see its quotas"
    ),
    "MalformedPolicyDocumentException": _BAD,
    "NotFoundException": Row(
        NotFound, "there is no such key", "make it (skykeep keys create); is the region right?"
    ),
    "TagException": _BAD,
    "UnsupportedOperationException": Row(Unsupported, "this key or region cannot do that"),
    "XksKeyAlreadyInUseException": _KEY_STORE,
    "XksKeyInvalidConfigurationException": _KEY_STORE,
    "XksKeyNotFoundException": _KEY_STORE,
}

OPENS_NOT: Final = frozenset(code for code, row in OWN.items() if row is _OPENS_NOT)
"""Codes that are told in one sentence: whoever tries ciphertexts out learns nothing of it."""
