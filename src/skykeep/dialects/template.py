"""``{{ secret "db/password" }}`` in a text of any kind; all other bytes stay as they are.

Options stand behind the name: ``{{ secret "db/main" stage="previous" key="user" }}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skykeep.errors import Invalid

_START = re.compile(rb"\{\{\s*secret(?=[\s\"'}])")
_REST = re.compile(
    rb"\s+\"(?P<name>[^\"\\\r\n]*)\""
    rb"(?P<options>(?:\s+[a-z]+=\"[^\"\\\r\n]*\")*)\s*\}\}"
)
_OPTION = re.compile(rb"([a-z]+)=\"([^\"]*)\"")
_KNOWN = ("stage", "version", "key")


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in a template.

    Attributes:
        start: offset of the first byte.
        end: offset behind the last byte.
        line: 1-based.
        name: the secret's name.
        stage: the stage that was asked for, or None.
        version: the version that was asked for, or None.
        key: the place inside a JSON value, or None.
    """

    start: int
    end: int
    line: int
    name: str
    stage: str | None = None
    version: str | None = None
    key: str | None = None


def references(data: bytes, source: str) -> list[Reference]:
    """All places, in order. Raises one ``Invalid`` that names all that are wrong."""
    found: list[Reference] = []
    wrong: list[str] = []
    line, counted = 1, 0
    for start in _START.finditer(data):
        line += data.count(b"\n", counted, start.start())
        counted = start.start()
        rest = _REST.match(data, start.end())
        if rest is None:
            wrong.append(f'{source}:{line}: this is not {{{{ secret "NAME" }}}}')
            continue
        try:
            name = rest["name"].decode()
            options = {k.decode(): v.decode() for k, v in _OPTION.findall(rest["options"])}
        except UnicodeDecodeError:
            wrong.append(f"{source}:{line}: the name is not UTF-8")
            continue
        if unknown := options.keys() - set(_KNOWN):
            known = ", ".join(_KNOWN)
            wrong.append(f"{source}:{line}: there is no option {min(unknown)}, only {known}")
        elif "stage" in options and "version" in options:
            wrong.append(f"{source}:{line}: give stage or version, not both")
        else:
            found.append(Reference(start.start(), rest.end(), line, name, **options))
    if wrong:
        raise Invalid("\n".join(wrong))
    return found


def filled(
    data: bytes, places: Sequence[Reference], values: Mapping[Reference, bytes]
) -> bytes:
    """The template with the values in their places."""
    parts: list[bytes] = []
    at = 0
    for place in places:
        parts += [data[at : place.start], values[place]]
        at = place.end
    return b"".join([*parts, data[at:]])
