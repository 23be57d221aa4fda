"""The portable name of a secret: one grammar that every store's codec can carry.

A name is one or more segments of ``[A-Za-z0-9._-]`` joined by ``/``, 1 to 255 bytes
in all; no segment is ``.`` or ``..``. ``native:NAME`` passes a foreign name through to
the store as it is: 1 to 1,024 bytes of UTF-8 without control characters (wide enough
for every store that we know; the store's own codec narrows it).
"""

from __future__ import annotations

import re
from functools import lru_cache

from skykeep.errors import Invalid

MAX_NAME_BYTES = 255
MAX_NATIVE_BYTES = 1024
NATIVE = "native:"

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHOWN = 80


@lru_cache(maxsize=8192)
def check_name(name: str) -> str:
    """Return ``name`` if it is a portable or a native name; raise ``Invalid`` otherwise."""
    if name.startswith(NATIVE):
        _check_native(name[len(NATIVE) :])
    elif len(name) > MAX_NAME_BYTES:
        raise Invalid(
            f"the name {shown(name)} has {len(name):,} characters; "
            f"a name has at most {MAX_NAME_BYTES}"
        )
    elif not _NAME.match(name):
        raise Invalid(f"{shown(name)} is not a name: {_reason(name)}", hint=_GRAMMAR)
    return name


def check_prefix(prefix: str) -> str:
    """Return the prefix without its closing slash; ``""`` is everything. Raises ``Invalid``."""
    prefix = prefix.removesuffix("/")
    return check_name(prefix) if prefix else ""


def is_native(name: str) -> bool:
    """Whether the name is a foreign one, to be passed to the store as it is."""
    return name.startswith(NATIVE)


def shown(name: str) -> str:
    """The name as error messages show it: escaped, and cut when it is long."""
    text = ascii(name)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…'"


_GRAMMAR = "use letters, digits, '.', '_' and '-', in segments joined by '/', as in db/password"


def _reason(name: str) -> str:
    if not name:
        return "it is empty"
    if name.startswith("/") or name.endswith("/"):
        return "it begins or ends with '/'"
    for segment in name.split("/"):
        if not segment:
            return "it has an empty segment ('//')"
        if segment in {".", ".."}:
            return f"the segment '{segment}' is not allowed"
    bad = next(c for c in name if not re.match(r"[A-Za-z0-9._/-]", c))
    return f"it has the character {bad!a}"


def _check_native(native: str) -> None:
    # Lone surrogates have no UTF-8 form: _CONTROL refuses them before encode() could fail.
    if not native or _CONTROL.search(native):
        raise Invalid(
            f"{shown(NATIVE + native)} is not a name: a native name is not empty "
            "and has no control characters"
        )
    if len(native.encode()) > MAX_NATIVE_BYTES:
        raise Invalid(
            f"the native name {shown(native)} has {len(native.encode()):,} bytes; "
            f"at most {MAX_NATIVE_BYTES:,} are allowed"
        )
