"""The keys of those who may call a service, as people write them down.

A JSON array of texts, or one key a line, with empty lines and lines that begin with ``#``
left out. Either may begin with a byte order mark, and lines may end as on Windows.
"""

from __future__ import annotations

import json
import re
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_value import SecretValue

__all__ = ["parse"]

HINT: Final = 'write a JSON array of texts, ["…", "…"], or one key a line'

_NEITHER = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""No key has these: it goes into a header, and is compared byte by byte."""

_LIKE_A_LIST = re.compile(r"[\"',]")
"""A line with these was meant as something else than one key."""


def parse(secret: Secret) -> tuple[SecretValue, ...]:
    """The keys, each once, in their order.

    Raises ``Invalid``, with the number of the line or entry and nothing of it, if the value
    is not UTF-8, if it is JSON of another shape, if a key is empty or has spaces or control
    characters, if a line has a comma or quotes, and if there is no key at all.
    """
    found = _keys(secret.value)
    if isinstance(found, str):
        source = f" ({secret.provenance.source})" if secret.provenance else ""
        raise Invalid(
            f"{shown(secret.name)}{source} has no list of keys: {found}",
            hint=HINT,
            resource=secret.name,
        )
    return found


def _keys(value: SecretValue) -> tuple[SecretValue, ...] | str:
    """The keys, or what is wrong: nothing is raised from where values are in variables."""
    try:
        text = value.reveal().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    found: dict[str, None] = {}
    start = text.strip()
    if start[:1] in {"[", "{", '"'} or start in {"null", "true", "false"}:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return "it begins like JSON and is none"
        if not isinstance(document, list):
            return f"it is JSON of another shape ({_SHAPES[type(document)]})"
        for number, key in enumerate(document, 1):
            if not isinstance(key, str):
                return f"entry {number} is no text ({_SHAPES[type(key)]})"
            if not key or _NEITHER.search(key):
                return f"entry {number} is empty or has spaces or control characters"
            found[key] = None
    else:
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
            key = line.strip(" \t")
            if not key or key.startswith("#"):
                continue
            if _NEITHER.search(key):
                return f"line {number} has spaces or control characters within"
            if _LIKE_A_LIST.search(key):
                return f"line {number} has a comma or quotes"
            found[key] = None
    if not found:
        return "there is no key in it"
    return tuple(SecretValue(key) for key in found)


_SHAPES: Final = {
    dict: "an object",
    list: "an array",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
