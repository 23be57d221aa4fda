"""Portable names in Secrets Manager and in Parameter Store.

Secrets Manager allows every portable name: letters, digits and ``/_+=.@-``, 1 to 512
characters, case-sensitive (API reference, CreateSecret, ``Name``). Parameter Store allows
letters, digits and ``_.-`` in a path of at most 15 levels that begins with ``/``, and no name
that begins with ``aws`` or ``ssm``, in any case (API reference, PutParameter, ``Name``). A
native name that is no portable one, or lies outside the prefix, comes back as ``native:NAME``.
"""

from __future__ import annotations

import re

from skykeep.errors import Invalid
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

MANAGER_LONGEST = 512
PARAMETER_LONGEST = 1011
"""Characters, with the 40 or so of the ARN before it (PutParameter, ``Name``)."""

ARN_ROOM = 67
"""``arn:aws-us-gov:ssm:ap-southeast-2:123456789012:parameter`` and a little more."""

LEVELS = 15

# "!" is in the names that AWS's own services give (rds!cluster-…).
_MANAGER = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}\Z")
_PARAMETER = re.compile(r"/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\Z")
_RESERVED = re.compile(r"/?(?:aws|ssm)", re.IGNORECASE)


class ManagerNames:
    """Names in Secrets Manager: as they are, the prefix before them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def stored(self, name: str) -> str:
        """The name in the store. Raises ``Invalid`` for what the store cannot carry."""
        if is_native(name):
            stored = name[len(NATIVE) :]
            # An ARN names a secret of any account: it is passed on as it is.
            if not _MANAGER.match(stored) and not stored.startswith("arn:"):
                raise Invalid(
                    f"{shown(name)} is no name for AWS Secrets Manager",
                    hint="it has letters, digits and /_+=.@-, or is an ARN",
                )
            return stored
        stored = self.prefix + name
        if len(stored) > MANAGER_LONGEST:
            raise Invalid(
                f"{shown(stored)} has {len(stored)} characters; "
                f"AWS Secrets Manager keeps names of at most {MANAGER_LONGEST}"
            )
        return stored

    def portable(self, stored: str) -> str:
        """The name that the application knows."""
        return _portable(stored, self.prefix)


class ParameterNames:
    """Names in Parameter Store: a path that begins with ``/``."""

    def __init__(self, prefix: str) -> None:
        self.prefix = "/" + prefix.removeprefix("/")

    def stored(self, name: str) -> str:
        """The name in the store. Raises ``Invalid`` for what the store cannot carry."""
        stored = name[len(NATIVE) :] if is_native(name) else self.prefix + name
        reason = ""
        if not _PARAMETER.match(stored):
            reason = "it has letters, digits and _.-, in segments joined by /"
        elif stored.count("/") > LEVELS:
            reason = f"a path has at most {LEVELS} levels; this one has {stored.count('/')}"
        elif len(stored) > PARAMETER_LONGEST - ARN_ROOM:
            reason = f"a path has at most {PARAMETER_LONGEST - ARN_ROOM} characters"
        elif _RESERVED.match(stored):
            reason = "no name begins with aws or ssm: set a secret_prefix"
        if reason:
            raise Invalid(f"{shown(name)} is no name for AWS Parameter Store: {reason}")
        return stored

    def portable(self, stored: str) -> str:
        """The name that the application knows."""
        return _portable(stored, self.prefix)


def _portable(stored: str, prefix: str) -> str:
    if stored.startswith(prefix):
        name = stored[len(prefix) :]
        try:
            if not is_native(name):
                return check_name(name)
        except Invalid:
            pass
    return NATIVE + stored
