"""``get --key a.b.0``: one value inside a JSON value."""

from __future__ import annotations

from typing import Any

from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.names import shown


def find(value: Any, path: str, name: str) -> bytes:
    """Text as UTF-8, all else as JSON. ``name`` is the secret's, for errors.

    A key that has dots in it is found as a whole before it is taken apart. Raises
    ``NotFound``; its text names the path and nothing of the value, not even other keys.
    """
    found, hit = _step(value, path)
    if not hit:
        raise NotFound(
            f"the secret {shown(name)} has nothing at the key {shown(path)}",
            hint="a path is KEY.KEY, and a number in a list: rows.0.id",
        )
    if isinstance(found, str):
        try:
            return found.encode()
        except UnicodeEncodeError:
            pass  # its exception holds the value
        raise Invalid(f"the text at the key {shown(path)} has no UTF-8 form")
    import json

    return json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _step(value: Any, path: str) -> tuple[Any, bool]:
    """What is at the path, and whether there is such a place."""
    if isinstance(value, dict):
        if path in value:
            return value[path], True
        # The longest key first: of {"a.b": …, "a": …} the path a.b.c means the first.
        cut = path.rfind(".")
        while cut > 0:
            if path[:cut] in value:
                found, hit = _step(value[path[:cut]], path[cut + 1 :])
                if hit:
                    return found, True
            cut = path.rfind(".", 0, cut)
    elif isinstance(value, list):
        index, dot, rest = path.partition(".")
        if index.isascii() and index.isdigit() and len(index) < 10 and int(index) < len(value):
            found = value[int(index)]
            return _step(found, rest) if dot else (found, True)
    return None, False
