"""The forms in which a value turns up elsewhere: in a header, a URL, a line of JSON."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote_from_bytes

_HEX = re.compile(rb"%[0-9A-F]{2}")


def _base64(value: bytes) -> Iterator[bytes]:
    """Alone, and at each of the three places it can have inside a longer text.

    Inside a longer text, the characters that it shares with its neighbours (up to six bits
    of its first byte and four of its last) are no part of the form.
    """
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        yield encode(value)
        yield encode(value).rstrip(b"=")
        for before in range(3):
            text = encode(bytes(before) + value)
            yield text[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]


def _url(value: bytes) -> Iterator[bytes]:
    """Percent-encoded as a part of a path, of a query and of a form, in both cases."""
    for safe in ("", "/"):
        text = quote_from_bytes(value, safe=safe).encode("ascii")
        for form in (text, text.replace(b"%20", b"+")):
            yield form
            yield _HEX.sub(lambda found: found[0].lower(), form)


def _json(value: bytes) -> Iterator[bytes]:
    """Inside the quotes of JSON, with and without escapes for what is not ASCII."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()


ENCODINGS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "base64": _base64,
    "url": _url,
    "json": _json,
}
"""Name -> what makes the forms of a value; a form may be the value itself."""


def forms(value: bytes, encodings: tuple[str, ...] = ()) -> list[bytes]:
    """The value and its forms in the encodings, each once; the value is the first.

    Raises ``KeyError`` for an encoding that is not in ``ENCODINGS``.
    """
    found = dict.fromkeys([value])
    for name in encodings:
        found.update(dict.fromkeys(form for form in ENCODINGS[name](value) if form))
    return list(found)
