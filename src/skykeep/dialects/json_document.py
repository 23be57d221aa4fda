"""One JSON object: names to values. Binary values are ``{"base64": "…"}``."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_value import SecretValue

_DEEPEST = 100  # far more than a name has room for, far less than the stack


def quoted(value: SecretValue) -> str | dict[str, str]:
    """The value as JSON has it: text, or an object that holds base64."""
    data = value.reveal()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def write(values: Sequence[Outgoing]) -> str:
    """ASCII, so that no editor or locale changes it."""
    return json.dumps({one.key: quoted(one.value) for one in values}, indent=2) + "\n"


def parsed(data: bytes, source: str) -> Any:
    """The document, its numbers as they are written and its objects as lists of pairs.

    Pairs, because the same key twice is for the caller to judge. Raises ``Invalid``.
    """
    text = decoded(data, source)
    place = ""
    try:
        return json.loads(
            text, object_pairs_hook=Pairs, parse_int=str, parse_float=str, parse_constant=str
        )
    except json.JSONDecodeError as error:
        place = f":{error.lineno}"
    except RecursionError:
        pass
    raise Invalid(f"{source}{place}: this is not JSON")


class Pairs(list[tuple[str, Any]]):
    """The members of an object, in their order."""


def read(data: bytes, source: str) -> list[Item]:
    """An object of text, numbers, booleans and such objects. Raises ``Invalid``."""
    document = parsed(data, source)
    if not isinstance(document, Pairs):
        raise Invalid(f"{source}: an object of names and values is expected")
    found: list[Item] = []
    _collect(document, (), source, found)
    return found


def _collect(members: Pairs, path: tuple[str, ...], source: str, found: list[Item]) -> None:
    if len(path) > _DEEPEST:
        raise Invalid(f"{source}: it is nested more than {_DEEPEST} levels deep")
    for key, value in members:
        here = (*path, *key.split("/"))
        if isinstance(value, Pairs):
            if len(value) == 1 and value[0][0] == "base64" and isinstance(value[0][1], str):
                found.append(Item(here, [("", _binary(value[0][1], here, source))], exact=True))
            else:
                _collect(value, here, source, found)
        elif isinstance(value, str):
            found.append(Item(here, variable("", value).fields, exact=True))
        elif isinstance(value, bool):
            found.append(Item(here, variable("", "true" if value else "false").fields, True))
        else:
            raise Invalid(
                f"{source}: {shown('/'.join(here))} is null or a list, which is no value",
                hint="write the value as text",
            )


def _binary(text: str, path: tuple[str, ...], source: str) -> SecretValue:
    try:
        return SecretValue(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        pass
    raise Invalid(f"{source}: the value of {shown('/'.join(path))} is no base64")
