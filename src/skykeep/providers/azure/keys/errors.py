"""What Key Vault says of keys; all else is read as everywhere (``azure/errors.py``).

The service has no list of codes; those here are from azure-security-docs
``articles/key-vault/general/{rest-error-codes,common-error-codes}.md``, from recorded answers
in azure-sdk-for-{python,js,net} (``sdk/keyvault/*keys*``) and from what users have met.
"""

from __future__ import annotations

from typing import Final

from skykeep.errors import (
    Conflict,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    SkykeepError,
)
from skykeep.interfaces.names import shown
from skykeep.providers.azure.errors import Failure, Row, error_of

MISSING: Final = "KeyNotFound"
BAD: Final = "BadParameter"

_DISABLED = Row(
    KeyFailure,
    "the key {name} is disabled",
    "enable it: az keyvault key set-attributes --enabled true",
)
_TIME = Row(
    KeyFailure,
    "the key {name} is not valid yet, or not any more",
    "look at its activation and expiration dates",
)
_KIND = Row(
    Invalid,
    "the key {name} is of a kind that cannot do this",
    "`skykeep keys describe` shows what it is for",
)

OWN: Final[dict[str, Row]] = {
    MISSING: Row(
        NotFound, "there is no key {name} in this vault", "make it: skykeep keys create"
    ),
    "KeyDisabled": _DISABLED,
    "KeyNotYetValid": _TIME,
    "KeyExpired": _TIME,
    "KeyOperationForbidden": _KIND,
    "ObjectAlreadyExists": Row(Conflict, "the name {name} exists already"),
    "ObjectIsDeletedButRecoverable": Row(
        PendingDelete,
        "the key {name} was deleted and its tombstone holds the name",
        "restore it (az keyvault key recover) or purge it first",
    ),
    "ObjectIsBeingDeleted": Row(PendingDelete, "the key {name} is being deleted or purged"),
    "ObjectIsBeingRecovered": Row(Conflict, "the key {name} is being restored"),
}


def key_error(failure: Failure, name: str, needs: str) -> SkykeepError:
    """Our error about the key of that name; ``needs`` is the right that the request needed."""
    row = OWN.get(failure.inner) or OWN.get(failure.code) or _by_sentence(failure)
    if row is None:
        error = error_of(failure, name, needs)
        error.hint = error.hint.replace("on secrets;", "on keys;")
        return error
    error = _made(row, name)
    error.request_id = failure.request_id
    return error


def disabled(name: str) -> SkykeepError:
    """The key is disabled, by what it says of itself."""
    return _made(_DISABLED, name)


def other_kind(name: str) -> SkykeepError:
    """The key is of the other purpose."""
    return _made(_KIND, name)


def _made(row: Row, name: str) -> SkykeepError:
    error = row.kind(row.says.format(name=shown(name)), hint=row.hint)
    error.resource = name
    return error


def _by_sentence(failure: Failure) -> Row | None:
    """Where the outer code is all that there is, the sentence tells which of several it is."""
    said = failure.said.lower()
    if failure.code == "Forbidden" and failure.status == 403:
        if "disabled" in said:
            return _DISABLED
        if "expired" in said or "not yet valid" in said:
            return _TIME
        if "operation" in said and (
            "not permitted" in said or "not allowed on this key" in said
        ):
            return _KIND
    if failure.code == BAD and ("key_ops" in said or "kty" in said or "key type" in said):
        return _KIND
    return None
