"""A value as Key Vault keeps it, which is text, and back.

Bytes that are no text are base64, and the content type says so: it is written with the value in
one call. A value that others wrote is the text that it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from skykeep.errors import Corrupt, Invalid
from skykeep.interfaces.secret_value import SecretValue

# "a maximum size of 25k bytes each" (azure-security-docs, ``secrets/about-secrets.md``); who
# met the limit gives it as 25,600 (configu/configu issue 421).
MAX_VALUE_BYTES: Final = 25_600
MAX_BINARY_BYTES: Final = MAX_VALUE_BYTES // 4 * 3

BINARY: Final = "application/octet-stream; encoding=base64"
"""The content type of base64 of ours; at most 255 characters (``about-secrets.md``)."""

# JSON carries them all. Which of them the service and its other clients leave alone is not
# written down anywhere, so that only those that are in every text go as they are.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check(value: SecretValue) -> None:
    """Raise ``Invalid`` for a value that is too large."""
    if value.size > MAX_VALUE_BYTES:
        raise Invalid(
            f"Azure Key Vault keeps at most {MAX_VALUE_BYTES:,} bytes; "
            f"this value has {value.size:,}"
        )
    if value.size > MAX_BINARY_BYTES and _text(value) is None:
        raise Invalid(
            f"Azure Key Vault keeps at most {MAX_BINARY_BYTES:,} bytes that are no text; "
            f"this value has {value.size:,}",
            hint="it keeps text only; base64 makes a third more of other bytes",
        )


def fields(value: SecretValue, kind: str | None) -> dict[str, str | None]:
    """The fields of a request that hold the value; ``kind`` is the content type of text."""
    text = _text(value)
    if text is None:
        return {"value": base64.b64encode(value.reveal()).decode(), "contentType": BINARY}
    return {"value": text, "contentType": None if kind == BINARY else kind}


def value_of(text: str | None, kind: str | None) -> SecretValue | None:
    """The value of an answer; None if there is none. Raises ``Corrupt``."""
    if text is None:
        return None
    if kind != BINARY:
        return SecretValue(text)
    try:
        return SecretValue(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        del text  # reports of errors may show the variables of a frame
    raise Corrupt(
        f"the value is not the base64 that its content type promises: {BINARY}",
        hint="somebody else wrote it: write it anew, or set another content type",
    )


def _text(value: SecretValue) -> str | None:
    """The value as text; None if it is no text, or one that may not stay as it is."""
    try:
        text = value.reveal().decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
