"""What Cloud KMS says in its own way; all else is read as everywhere (``gcp/errors.py``).

Codes are those of ``google/rpc/code.proto``. A key that cannot be used and a ciphertext that
does not open have no reasons of their own: they are told by the sentence, as Cloud KMS has
worded it for years (its "Troubleshooting" and the issues of its client libraries). Names of
resources in it are not read: a key may be called ``disabled-users``.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.envelope.key_material import does_not_open
from skykeep.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
)
from skykeep.providers.gcp.errors import CODES, REASONS, Failure, Row, translate

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
_OFF = Row(
    Denied,
    "the API is switched off in the key ring's project",
    "gcloud services enable cloudkms.googleapis.com, wait a few minutes; or check key_ring",
)
_DAMAGED = Row(
    Corrupt,
    "what it was sent came damaged (its CRC-32C is another)",
    "try again; a proxy on the way may change bodies",
    quote=False,
)
_TAKEN = Row(Conflict, "the name exists already")
_BUSY = Row(Throttled, "another change of the key is under way", "try again")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_NAMES = re.compile(r"projects/\S+")


def key_error(failure: Failure, *, subject: str, action: str) -> SkykeepError:
    """Our error about the key that people know as ``subject``."""
    said = _NAMES.sub("", failure.message).lower()
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
    if failure.reason == "SERVICE_DISABLED" or "api has not been used" in said:
        return _OFF
    if failure.code == "INVALID_ARGUMENT" and "checksum" in said:
        return _DAMAGED
    if failure.code in ("FAILED_PRECONDITION", "INVALID_ARGUMENT"):
        if "purpose" in said or "algorithm" in said:
            return _PURPOSE
        if "destroy" in said:
            return _DELETED
        if "disabled" in said:
            return _DISABLED
        return _NOT_READY if failure.code == "FAILED_PRECONDITION" else _BAD
    if failure.code == "PERMISSION_DENIED" and failure.reason in ("", "IAM_PERMISSION_DENIED"):
        return _MAY_NOT
    own = {"ALREADY_EXISTS": _TAKEN, "ABORTED": _BUSY}.get(failure.code)
    # Secret Manager's tables take a sentence with a key's name for a failure of its own key.
    return own or REASONS.get(failure.reason) or CODES.get(failure.code)


def _not_found(said: str, subject: str, request_id: str) -> SkykeepError:
    error: SkykeepError
    words = said.replace(" ", "")
    if "keyring" in words and "cryptokey" not in words:
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
