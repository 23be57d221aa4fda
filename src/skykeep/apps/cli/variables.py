"""Which environment variables a command gets, and from which secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.names import shown

if TYPE_CHECKING:
    from skykeep.interfaces.secret_driver import Secret
    from skykeep.interfaces.secrets import Secrets

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def checked(wanted: Mapping[str, str]) -> Mapping[str, str]:
    """The mapping, if its keys can name variables. Raises ``Invalid``."""
    for variable in wanted:
        if not _VARIABLE.match(variable):
            raise Invalid(
                f"{shown(variable)} cannot name an environment variable",
                hint="use letters, digits and '_', and no digit first",
            )
    return wanted


def variable_of(name: str) -> str:
    """``db/password`` -> ``DB_PASSWORD``; ``2fa.key`` -> ``_2FA_KEY``."""
    variable = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    return f"_{variable}" if variable[0].isdigit() else variable


async def under(secrets: Secrets, prefix: str) -> dict[str, str]:
    """Variable -> name for all secrets under a prefix.

    Raises ``NotFound`` if there are none, ``Conflict`` if two want one variable.
    """
    return merged([{variable_of(name): name} for name in await names_under(secrets, prefix)])


async def names_under(secrets: Secrets, prefix: str) -> list[str]:
    """The names of all secrets under a prefix, sorted. Raises ``NotFound``."""
    names = sorted([info.name async for info in secrets.list(prefix)])
    if not names:
        where = f" under {shown(prefix)}" if prefix else ""
        raise NotFound(f"there is no secret{where}", hint="see: skykeep ls")
    return names


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All in one. Raises ``Conflict`` if two secrets want one variable."""
    found: dict[str, str] = {}
    for part in parts:
        for variable, name in part.items():
            other = found.setdefault(variable, name)
            if other != name:
                raise Conflict(
                    f"{shown(other)} and {shown(name)} both want the variable {variable}",
                    hint="choose their variables with --set VARIABLE=NAME",
                )
    return found


def chosen(
    section: Mapping[str, str], named: Mapping[str, str], prefixed: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Variable -> name. Options go before the configuration's section."""
    return {**section, **merged([named, *prefixed])}


def usable(variable: str, secret: Secret) -> bytes:
    """The value. Raises ``Invalid`` if no environment can carry it."""
    data = secret.value.reveal()
    if b"\x00" in data:
        raise Invalid(
            f"the value of {shown(secret.name)} has a NUL byte, which the variable "
            f"{variable} cannot carry",
            hint=f"let the command read it: skykeep get {secret.name}",
        )
    return data
