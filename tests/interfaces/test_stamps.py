"""The text form of a stamp: for every stamp one, and none for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.interfaces.secret_driver import STAMP_DIGEST_BYTES, Stamp

DIGESTS = st.binary(min_size=STAMP_DIGEST_BYTES, max_size=STAMP_DIGEST_BYTES)


@given(st.integers(0, 2**64 - 1), DIGESTS)
def test_a_stamp_comes_back_from_its_text(revision: int, digest: bytes) -> None:
    text = str(Stamp(revision, digest))
    assert text == revision.to_bytes(8, "big").hex() + digest.hex()
    assert Stamp.parse(text) == Stamp(revision, digest)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), DIGESTS), min_size=2, max_size=2))
def test_texts_are_ordered_as_revisions_are(pairs: list[tuple[int, bytes]]) -> None:
    one, two = (Stamp(*pair) for pair in pairs)
    if one.revision != two.revision:
        assert (str(one) < str(two)) == (one.revision < two.revision)


@pytest.mark.parametrize(
    ("revision", "digest"),
    [(-1, bytes(16)), (2**64, bytes(16)), (0, b""), (0, bytes(15)), (0, bytes(17))],
)
def test_what_has_no_text_is_no_stamp(revision: int, digest: bytes) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        Stamp(revision, digest)


@pytest.mark.parametrize(
    "text",
    ["", "0" * 47, "0" * 49, "g" * 48, "A" * 48, "0" * 48 + "\n", " " + "0" * 47, "٣" * 48],
)
def test_another_text_is_none(text: str) -> None:
    assert Stamp.parse(text) is None
