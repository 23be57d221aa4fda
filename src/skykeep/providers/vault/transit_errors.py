"""What the transit engine refuses, as our errors.

Like the rest of Vault it has sentences and no codes: openbao
``sdk/helper/keysutil/policy.go`` and ``builtin/logical/transit/path_*.go``; those of the table
were tried on a server. What is not here is read as everywhere (``errors.py``).
"""

from __future__ import annotations

from typing import Final

from skykeep.envelope.key_material import does_not_open
from skykeep.errors import Invalid, KeyFailure, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.providers.vault.errors import error_of, sentences
from skykeep.providers.wire import Reply

WRONG_TYPE: Final = "ecdsa-p256"
"""Said to be the type of a key that may be missing: the engine would make one of another
type there and then, and refuses this one (``path_encrypt.go``). Where the key is there,
nobody looks at it."""

_DOES_NOT_OPEN: Final = (
    "message authentication failed",
    "invalid ciphertext",
    "unable to decrypt",
)
_NO_KEY: Final = (
    "key not found",
    f"key type {WRONG_TYPE} not supported for this operation",
)
_OTHER_KIND: Final = (
    "not supported for key type",
    "non-aead cipher",
    "does not support signing",
    "does not support verification",
    "does not support",
    "missing 'context' for key derivation",
)


def no_signature(reply: Reply) -> bool:
    """Whether the engine refuses the signature itself: it was not made by the key."""
    said = _said(reply)
    return reply.status == 400 and (
        "invalid signature" in said or "supplied signature" in said or "too old" in said
    )


def key_error(reply: Reply, name: str, method: str, path: str) -> SkykeepError:
    """The error that a reply of status 300 and above is, about the key of that name."""
    said = _said(reply)
    if reply.status == 404 and not said:
        return _missing(name)
    if reply.status in (400, 500) and any(each in said for each in _DOES_NOT_OPEN):
        return does_not_open()
    if reply.status == 400:
        if "too old" in said:
            return KeyFailure(
                f"the version of {shown(name)} that encrypted this may no longer decrypt",
                hint="lower the key's min_decryption_version, and rewrap what is older",
            )
        if "soft-deleted" in said:
            return KeyFailure(
                f"the key {shown(name)} is deleted and can be restored",
                hint="write to transit/keys/NAME/soft-delete-restore",
            )
        if any(each in said for each in _NO_KEY):
            return _missing(name)
        if any(each in said for each in _OTHER_KIND):
            return cannot(name)
    return error_of(reply, method, path)


def cannot(name: str) -> Invalid:
    """The error for a key that is for something else."""
    return Invalid(
        f"the key {shown(name)} is of a type that cannot do this",
        hint="`skykeep keys describe` shows what it is for",
    )


def _missing(name: str) -> NotFound:
    return NotFound(f"there is no key {shown(name)}", hint="make it: skykeep keys create")


def _said(reply: Reply) -> str:
    return "; ".join(sentences(reply) or ()).lower()
