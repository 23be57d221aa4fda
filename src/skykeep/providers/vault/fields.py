"""A value as the fields of an entry, and back.

A key-value engine keeps a JSON object. Ours has one field, ``value``; bytes that are no text,
or that JSON would blow up, are base64 with a second field that says so. An entry of any other
shape was written by somebody else: its value is the object itself, as JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from skykeep.errors import Invalid
from skykeep.interfaces.secret_value import SecretValue

MAX_VALUE_BYTES: Final = 700 * 1024
"""Raft keeps entries of at most 1 MiB (openbao ``website/content/docs/internals/limits.mdx``);
base64 makes a third more of a value, and the entry has its own overhead."""

_VALUE, _ENCODING, _BASE64 = "value", "encoding", "base64"


def pack(value: SecretValue) -> dict[str, str]:
    """The fields that hold the value. Raises ``Invalid`` if it is too large."""
    if value.size > MAX_VALUE_BYTES:
        raise Invalid(
            f"Vault keeps at most {MAX_VALUE_BYTES:,} bytes; this value has {value.size:,}"
        )
    data = value.reveal()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    # JSON escapes control characters to six bytes each.
    if text is not None and len(msgspec.json.encode(text)) <= len(data) * 4 // 3 + 64:
        return {_VALUE: text}
    return {_VALUE: base64.b64encode(data).decode(), _ENCODING: _BASE64}


def unpack(fields: Mapping[str, Any]) -> SecretValue:
    """The value of an entry: ours, or anybody's as JSON with sorted keys."""
    text = fields.get(_VALUE)
    if isinstance(text, str):
        if len(fields) == 1:
            return SecretValue(text)
        if len(fields) == 2 and fields.get(_ENCODING) == _BASE64:
            try:
                return SecretValue(base64.b64decode(text, validate=True))
            except binascii.Error:
                pass  # somebody else's, after all
    return SecretValue(json.dumps(fields, ensure_ascii=False, sort_keys=True))
