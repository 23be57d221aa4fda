"""The encryption context: checked, and as the bytes that are authenticated.

Its portable limits are what every store of keys carries: names and values are text without
control characters, names are not empty and do not begin with ``aws:``, which AWS keeps for
itself (AWS KMS Developer Guide, "Encryption context").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from skykeep.errors import Invalid
from skykeep.interfaces.key_driver import Context

MAX_PAIRS = 32
NO_CONTEXT: Context = MappingProxyType({})


def checked_context(given: Mapping[str, str] | None) -> Context:
    """The pairs, sorted by name. Raises ``Invalid``."""
    if not given:
        return NO_CONTEXT
    if len(given) > MAX_PAIRS:
        raise Invalid(f"a context has at most {MAX_PAIRS} pairs; this one has {len(given)}")
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise Invalid("the names and values of a context are text")
        if not name or name.lower().startswith("aws:"):
            raise Invalid(
                f"the context's name {name!a} is not allowed",
                hint="names are not empty and do not begin with 'aws:'",
            )
        for text in (name, value):
            if any(unicodedata.category(each) in {"Cc", "Cs"} for each in text):
                raise Invalid(f"the context's pair {name!a} has control characters")
    return MappingProxyType(dict(sorted(given.items())))


def context_bytes(context: Context) -> int:
    """Bytes of all names and values together."""
    return sum(len(each.encode()) for pair in context.items() for each in pair)


def packed_context(context: Context) -> bytes:
    """The pairs as bytes: equal for equal contexts and for no others; ``b""`` for none.

    In the order of their names' code points: each name and value as its length (4 bytes, big
    endian) and its UTF-8.
    """
    packed = bytearray()
    for pair in sorted(context.items()):
        for each in pair:
            data = each.encode()
            packed += len(data).to_bytes(4, "big") + data
    return bytes(packed)
