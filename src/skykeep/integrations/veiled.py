"""Values for validators that print what they refuse.

pydantic puts ``repr(input)`` into the text of its errors. What is handed to it from a
store is therefore a subclass whose ``repr`` shows a size, as ``SecretValue``'s does; in all
else it is the value. Parts and variants of it (``value.strip()``, ``value[3:]`` …) are veiled,
too, as validators that run first return such; what is made by ``str.strip(value)`` or from
outside is not. pydantic makes plain ``str``, ``int`` and
``float`` of them; a field of type ``bytes`` or ``Any`` keeps the subclass.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from skykeep.errors import Invalid


class VeiledText(str):
    """Text that shows its length only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"SecretValue({len(self)} characters)"


class VeiledBytes(bytes):
    """Bytes that show their number only."""

    def __repr__(self) -> str:
        return f"SecretValue({len(self)} bytes)"


class VeiledInt(int):
    """A whole number out of a JSON value; shown as its type."""

    def __repr__(self) -> str:
        return "SecretValue(int)"

    def __str__(self) -> str:  # else repr would be the number's text as well
        return int.__repr__(self)


class VeiledFloat(float):
    """A number out of a JSON value; shown as its type."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretValue(float)"

    def __str__(self) -> str:
        return float.__repr__(self)


_VARIANTS = (
    "__add__",
    "__getitem__",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "strip",
    "translate",
    "upper",
)


def _veiling(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def veiled(*args: Any, **kwargs: Any) -> Any:
        return _veil(method(*args, **kwargs))

    return veiled


for _name in _VARIANTS:
    setattr(VeiledText, _name, _veiling(getattr(str, _name)))
    setattr(VeiledBytes, _name, _veiling(getattr(bytes, _name)))
VeiledText.encode = _veiling(str.encode)  # type: ignore[method-assign]  # set as those above
VeiledText.casefold = _veiling(str.casefold)  # type: ignore[method-assign]  # set as those above
VeiledBytes.decode = _veiling(bytes.decode)  # type: ignore[method-assign]  # set as those above


def parse(text: str) -> Any:
    """JSON with veiled strings and numbers; the keys of objects are names and shown.

    Raises ``Invalid``, which does not say what is there.
    """
    try:
        return _veil(json.loads(text, parse_int=VeiledInt, parse_float=VeiledFloat))
    except (ValueError, RecursionError):
        pass  # its exception holds the text: leave the handler before raising
    raise Invalid("the value is not JSON")


def _veil(value: Any) -> Any:
    if isinstance(value, str):
        return VeiledText(value)
    if isinstance(value, bytes):
        return VeiledBytes(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_veil(item) for item in value)
    if isinstance(value, dict):
        return {key: _veil(item) for key, item in value.items()}
    return value
