"""What Cloud KMS says when it refuses; shapes as in ``secret_manager_errors.py``.

A sentence without a source is ours: rely on its code only.
"""

from __future__ import annotations

from google.rpc import code_pb2, error_details_pb2

from tests.peers.fakes.secret_manager_errors import Refusal, invalid, not_found


def missing(kind: str, name: str) -> Refusal:
    """``kind`` is KeyRing, CryptoKey or CryptoKeyVersion. As `exists` says it."""
    return not_found(f"{kind} {name} not found.")


def exists(kind: str, name: str) -> Refusal:
    """hashicorp/terraform-provider-google issue 1214, of a KeyRing."""
    return Refusal(code_pb2.ALREADY_EXISTS, f"{kind} {name} already exists.")


def not_enabled(name: str, state: str) -> Refusal:
    """The sentence: Google's "Troubleshoot application-layer secrets encryption" of GKE. The
    violation: public notes on gcloud, of a version that is disabled; its type for other states
    is ours."""
    detail = error_details_pb2.PreconditionFailure()
    detail.violations.add(type=f"KEY_{state}", subject=name)
    return Refusal(
        code_pb2.FAILED_PRECONDITION,
        f"{name} is not enabled, current state is: {state}.",
        detail,
    )


def wrong_purpose(name: str, method: str, purpose: str) -> Refusal:
    """That such a call fails: "A given key can only be used for the operations allowed by its
    purpose" (CryptoKey.CryptoKeyPurpose)."""
    return Refusal(
        code_pb2.FAILED_PRECONDITION,
        f"{name} has the purpose {purpose}, which does not allow {method}.",
    )


def no_primary(name: str) -> Refusal:
    return Refusal(code_pb2.FAILED_PRECONDITION, f"{name} has no primary version.")


def wrong_checksum(field: str) -> Refusal:
    """cloud.google.com/kms/docs/data-integrity-guidelines."""
    return invalid(
        f"The checksum in field {field}_crc32c did not match the data in field {field}.",
        f"{field}_crc32c",
    )


def wrong_key() -> Refusal:
    """googleapis/nodejs-kms issue 145: an INVALID_ARGUMENT."""
    return invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.")


def no_ciphertext() -> Refusal:
    """GoogleCloudPlatform/python-docs-samples issue 2465."""
    return invalid("Decryption failed: the ciphertext is invalid.")


def too_long(field: str, limit: int) -> Refusal:
    return invalid(f"Field [{field}] is longer than {limit} bytes.", field)


def wrong_state(name: str, state: str, call: str) -> Refusal:
    """A change that a version's state does not allow (cloud.google.com/kms/docs/key-states)."""
    return Refusal(
        code_pb2.FAILED_PRECONDITION, f"{name} cannot be {call}, current state is: {state}."
    )
