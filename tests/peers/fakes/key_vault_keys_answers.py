"""What Key Vault says when it refuses something about keys.

Shapes, sources and "wording ours" as in ``key_vault_answers.py``.
"""

from __future__ import annotations

from tests.peers.fakes.key_vault_answers import Refused, bad, conflict, forbidden


def no_key(name: str) -> Refused:
    """``name`` or ``name/version``. Sentence: sigstore/cosign issue 3094."""
    return Refused(
        404,
        "KeyNotFound",
        f"A key with (name/id) {name} was not found in this key vault. If you recently deleted "
        "this key you may be able to recover it using the correct recovery command. For help "
        "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def no_deleted_key(name: str) -> Refused:
    """As for secrets. Wording ours."""
    return Refused(404, "KeyNotFound", f"Deleted Key not found: {name}")


def disabled(operation: str) -> Refused:
    """Azure/azure-sdk-for-python issue 45342."""
    return forbidden(f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")


def not_yet(operation: str) -> Refused:
    """That it is 403: Microsoft Learn, "About keys". Wording and inner code ours."""
    return forbidden(
        f"Operation {operation} is not allowed on a key that is not yet valid.",
        "KeyNotYetValid",
    )


def expired(operation: str) -> Refused:
    """As `not_yet`."""
    return forbidden(f"Operation {operation} is not allowed on an expired key.", "KeyExpired")


def not_permitted(operation: str) -> Refused:
    """It is none of the key's ``key_ops``. Azure/azure-sdk-for-net issue 11518."""
    return forbidden(
        f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden"
    )


def deleted_but_recoverable(name: str) -> Refused:
    """Azure/azure-sdk-for-cpp, samples of keyvault-keys; the inner code as for secrets."""
    return conflict(
        f"Key {name} is currently in a deleted but recoverable state, and its name cannot be "
        "reused; in this state, the key can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )


def being_deleted_no_reuse(name: str) -> Refused:
    """The same samples."""
    return conflict(
        f"Key {name} is currently being deleted and cannot be re-created; retry later.",
        "ObjectIsBeingDeleted",
    )


def being_deleted() -> Refused:
    """As for secrets. Wording ours."""
    return conflict("Key is currently being deleted.", "ObjectIsBeingDeleted")


def being_recovered(name: str) -> Refused:
    """As for secrets. Wording ours."""
    return conflict(
        f"Key {name} is currently being recovered and cannot be re-created; retry later.",
        "ObjectIsBeingRecovered",
    )


def no_base64url(field: str) -> Refused:
    """bruj0/vault-recovery-key issue 20."""
    return bad(f"Content of '{field}' is not base64url.\r\nProperty '{field}' is required.\r\n")


def wrong_length(field: str, length: int, algorithm: str, right: int) -> Refused:
    """Public notes on a signer for Tezos: "Invalid length of 'value': 1 bytes. ES256K requires
    32 bytes, encoded with base64url."."""
    return bad(
        f"Invalid length of '{field}': {length} bytes. {algorithm} requires {right} bytes, "
        "encoded with base64url."
    )


def does_not_unwrap() -> Refused:
    """MicrosoftDocs/azure-docs issue 39976; Azure/azure-sdk-for-js issue 28100."""
    return bad("Error occurred while decoding OAEP padding.")


def other_kind(algorithm: str, kty: str) -> Refused:
    """An algorithm that keys of this type do not have. Wording ours."""
    return bad(f"The algorithm {algorithm} is not supported for keys of type {kty}.")
