"""What Cloud KMS says in its own way; all else is read as everywhere (``gcp/errors.py``).

Codes are those of ``google/rpc/code.proto``. A key that cannot be used and a ciphertext that
does not open have no reasons of their own: they are told by the sentence, as Cloud KMS has
worded it for years (its "Troubleshooting" and the issues of its client libraries).
"""

from __future__ import annotations

from typing import Final

from skykeep.envelope.key_material import does_not_open
from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
)
from skykeep.providers.gcp.errors import Failure, Row, translate

TITLE: Final = "Google Cloud KMS"

_DISABLED = Row(
    KeyFailure,
    "the key is disabled",
    "enable its version: gcloud kms keys versions enable",
)
_DELETED = Row(
    KeyFailure,
    "the key's version is about to be deleted, or is deleted",
    "restore it while that can be done: gcloud kms keys versions restore",
)
_NOT_READY = Row(KeyFailure, "the key's version is not ready", "try again in a while")
_PURPOSE = Row(
    Invalid,
    "the key is of a kind that cannot do this",
    "`skykeep keys describe` shows what it is for",
    quote=False,
)
_MAY_NOT = Row(
    Denied,
    "these credentials may not do this, or it does not exist",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter on the key is what using it needs",
)
_TAKEN = Row(Conflict, "the name exists already")
_BUSY = Row(Throttled, "another change of the key is under way", "try again")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)


def key_error(failure: Failure, *, subject: str, action: str) -> SkykeepError:
    """Our error about the key that people know as ``subject``."""
    said = failure.message.lower()
    if failure.code == "INVALID_ARGUMENT" and "decryption failed" in said:
        error: SkykeepError = does_not_open()
        error.request_id = failure.request_id
        return error
    if failure.code == "NOT_FOUND":
        return _not_found(said, subject, failure.request_id)
    return translate(
        failure, subject=subject, action=action, title=TITLE, row=_row(failure, said)
    )


def _row(failure: Failure, said: str) -> Row | None:
    if failure.code in ("FAILED_PRECONDITION", "INVALID_ARGUMENT"):
        if "purpose" in said or "algorithm" in said:
            return _PURPOSE
        if "destroy" in said:
            return _DELETED
        if "disabled" in said:
            return _DISABLED
        return _NOT_READY if failure.code == "FAILED_PRECONDITION" else _BAD
    if failure.code == "PERMISSION_DENIED" and not failure.reason.startswith("SERVICE"):
        return _MAY_NOT if failure.reason in ("", "IAM_PERMISSION_DENIED") else None
    return {"ALREADY_EXISTS": _TAKEN, "ABORTED": _BUSY}.get(failure.code)


def _not_found(said: str, subject: str, request_id: str) -> SkykeepError:
    error: SkykeepError
    if "keyring" in said.replace(" ", "") and "cryptokey" not in said.replace(" ", ""):
        error = ConfigError(
            f"{TITLE}: the key ring that is configured does not exist",
            hint="make it: gcloud kms keyrings create; or check key_ring",
        )
    else:
        error = NotFound(
            f"{TITLE}: there is no such key ({subject})", hint="make it: skykeep keys create"
        )
    error.request_id = request_id
    return error
