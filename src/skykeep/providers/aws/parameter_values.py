"""Bytes in a parameter, which is text: as they are, or as base64 behind a mark.

The mark is part of the value: one call writes both. Text that begins as the mark does, that has
``{{`` (Parameter Store refuses values that look like references to others) or control
characters is kept as base64 as well.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from skykeep.interfaces.secret_value import SecretValue

MARK: Final = "skykeep:base64:"
_PLAIN = re.compile(r"(?!skykeep:)(?!.*\{\{)[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+\Z", re.DOTALL)


def most_bytes(characters: int) -> int:
    """How many bytes of any kind fit into so many characters."""
    return (characters - len(MARK)) // 4 * 3


def encoded(value: SecretValue) -> str:
    """The text that is kept. Never raises: its frame holds the value."""
    data = value.reveal()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if _PLAIN.match(text):
        return text
    return MARK + base64.b64encode(data).decode()


def size(value: SecretValue) -> int:
    """Bytes that are kept."""
    return len(encoded(value).encode())


def decoded(text: object) -> SecretValue | None:
    """The value; None if it cannot be read. Never raises."""
    if not isinstance(text, str):
        return None
    if not text.startswith(MARK):
        return SecretValue(text)
    try:
        return SecretValue(base64.b64decode(text[len(MARK) :], validate=True))
    except (binascii.Error, ValueError):
        return None
