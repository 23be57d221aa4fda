"""A value as the data of a Secret, and back.

A Secret's data is a map of keys to bytes, which the API carries as base64. Ours has one key,
``value`` unless the configuration has another. A Secret of any other shape was written by
somebody else: its value is a JSON object of its fields; one that is no UTF-8 text is
``{"base64": …}`` there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from skykeep.errors import Corrupt, Invalid
from skykeep.interfaces.secret_value import SecretValue

MAX_VALUE_BYTES: Final = 1024 * 1024
"""All values of one Secret together (kubernetes ``pkg/apis/core/types.go``, MaxSecretSize)."""


def check_size(value: SecretValue) -> None:
    """Raises ``Invalid`` if the value is too large."""
    if value.size > MAX_VALUE_BYTES:
        raise Invalid(
            f"Kubernetes keeps at most {MAX_VALUE_BYTES:,} bytes in a Secret; "
            f"this value has {value.size:,}"
        )


def pack(value: SecretValue, key: str) -> dict[str, str]:
    """The data that holds the value."""
    return {key: base64.b64encode(value.reveal()).decode()}


def unpack(data: Mapping[str, str] | None, key: str) -> SecretValue:
    """The value of a Secret: ours, or anybody's as JSON with sorted keys."""
    fields = _decoded(data or {})
    if fields is None:
        del data  # reports of errors may show the variables of a frame
        raise Corrupt("the data of the Secret, as the server gives it, is no base64")
    if fields.keys() == {key}:
        return SecretValue(fields[key])
    texts = {name: _text(content) for name, content in fields.items()}
    return SecretValue(json.dumps(texts, ensure_ascii=False, sort_keys=True))


def _decoded(data: Mapping[str, str]) -> dict[str, bytes] | None:
    """The fields as bytes; None if one is no base64."""
    try:
        return {name: base64.b64decode(text, validate=True) for name, text in data.items()}
    except ValueError:  # binascii's too
        return None


def _text(content: bytes) -> Any:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
