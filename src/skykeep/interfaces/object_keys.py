r"""The portable key of an object: one grammar that every store carries as it is.

A key is one or more segments joined by ``/``, 1 to 1,024 bytes of UTF-8 in all, 255 in a
segment. A segment has any characters but controls, line separators, lone surrogates and
``\``; it is not ``.`` or ``..``, does not begin or end with a space, and does not end with a
dot. Keys are in Unicode's composed form (NFC).

Where the limits come from: 1,024 bytes are S3's ("Naming Amazon S3 objects") and Cloud
Storage's ("About Cloud Storage objects"); 255 are a file system's; Azure takes ``\`` for ``/``
and drops dots at a segment's end ("Naming and Referencing Containers, Blobs, and Metadata");
macOS's file system takes two forms of one text for one name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown

MAX_KEY_BYTES: Final = 1024
MAX_SEGMENT_BYTES: Final = 255

_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\\\]")
PLAIN: Final = re.compile(r"[A-Za-z0-9_=@-]+(?:[./][A-Za-z0-9_=@-]+)*")
"""Nine keys in ten; what matches and has no more than ``MAX_SEGMENT_BYTES`` is a key, and the
same if it is percent-encoded. Of what does not match it says nothing."""


@lru_cache(maxsize=8192)
def check_key(key: str) -> str:
    """Return the key if it is one; raise ``Invalid`` with the reason otherwise."""
    reason = _wrong_with(key)
    if reason:
        raise Invalid(
            f"{shown(key)} is not a key: {reason}",
            hint="use segments joined by '/', as in models/toxicity/1.onnx",
        )
    return key


def is_key(key: str) -> bool:
    """Whether it is one. For listings, whose keys are seen once: none is remembered."""
    return not _wrong_with(key)


def check_key_prefix(prefix: str) -> str:
    """Return the prefix without its closing slash; ``""`` is everything. Raises ``Invalid``."""
    prefix = prefix.removesuffix("/")
    return check_key(prefix) if prefix else ""


def _wrong_with(key: str) -> str:
    if not key:
        return "it is empty"
    if found := _FORBIDDEN.search(key):
        return f"it has the character {found[0]!a}"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"it has {len(key.encode()):,} bytes; a key has at most {MAX_KEY_BYTES:,}"
    if key.startswith("/") or key.endswith("/"):
        return "it begins or ends with '/'"
    for segment in key.split("/"):
        if not segment:
            return "it has an empty segment ('//')"
        if segment in {".", ".."}:
            return f"the segment '{segment}' is not allowed"
        if segment.strip(" ") != segment:
            return "a segment begins or ends with a space"
        if segment.endswith("."):
            return "a segment ends with a dot, which Azure would drop"
        if len(segment.encode()) > MAX_SEGMENT_BYTES:
            return f"a segment has more than {MAX_SEGMENT_BYTES} bytes"
    if not unicodedata.is_normalized("NFC", key):
        composed = unicodedata.normalize("NFC", key)
        return f"it is not in composed form (NFC), which is {shown(composed)}"
    return ""
