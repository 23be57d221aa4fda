"""The forms of a value are found in what real encoders make of it."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.redaction import Redactor
from skykeep.redaction.encodings import ENCODINGS, forms

VALUES = st.binary(min_size=8, max_size=60)


@given(VALUES, st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_base64_at_every_place(value: bytes, before: bytes, after: bytes, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    redactor = Redactor(forms(value, ("base64",)))
    assert redactor.redact(encode(value)) == b"***"
    text = encode(before + value + after)
    touched = max(match.end - match.start for match in redactor.find(text))
    # All but the characters that are shared with what stands beside it.
    assert touched >= len(value) * 8 // 6 - 2


@given(st.text(min_size=4, max_size=30), st.sampled_from(["", "/"]))
def test_percent_encoding(text: str, safe: str) -> None:
    redactor = Redactor(forms(text.encode(errors="ignore") or b"x", ("url",)))
    text = text.encode(errors="ignore").decode() or "x"
    for encode in (urllib.parse.quote, urllib.parse.quote_plus):
        made = encode(text, safe=safe)
        assert redactor.redact(made.encode()) in (b"***", b"***" * len(text))


@given(st.text(min_size=1, max_size=30), st.booleans())
def test_json(text: str, ascii_only: bool) -> None:
    try:
        value = text.encode()
    except UnicodeEncodeError:  # a lone surrogate is no value of text
        return
    made = json.dumps(text, ensure_ascii=ascii_only).encode()
    assert forms(value, ("json",)).count(made[1:-1]) == 1


def test_the_value_itself_is_the_first_and_none_comes_twice() -> None:
    found = forms(b"plain-text", tuple(ENCODINGS))
    assert found[0] == b"plain-text"
    assert len(found) == len(set(found))
    assert forms(b"\xff" * 8, ("json",)) == [b"\xff" * 8]
    with pytest.raises(KeyError):
        forms(b"x", ("rot13",))
