"""What a sealed object promises: positions, ends, sizes, and room in its header.

The format itself is held by ``tests/spec/test_second_sealing.py``.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.envelope.sealed_object import (
    CHUNK,
    HEADER_BYTES,
    SEALED_CHUNK,
    TAG_BYTES,
    ObjectKey,
    parse_header,
    plain_size,
    sealed_size,
)
from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import Corrupt, Invalid
from tests.envelope.reports import report_of

DEK = bytes(range(32))
KEY = WrappedKey("main", "1", b"wrapped")


def chunks(body: bytes, key: ObjectKey | None = None) -> tuple[ObjectKey, list[bytes]]:
    key = key or ObjectKey(DEK, "a/b")
    sealed = key.seal(0, body, last=True)
    return key, [sealed[at : at + SEALED_CHUNK] for at in range(0, len(sealed), SEALED_CHUNK)]


def opened(key: ObjectKey, pieces: list[bytes], first: int = 0, *, last: bool = True) -> bytes:
    return key.open(first, b"".join(pieces), last=last)


THREE = os.urandom(2 * CHUNK + 5)


def test_chunks_open_where_they_were_sealed_alone_and_together() -> None:
    key, pieces = chunks(THREE)

    assert opened(key, pieces) == THREE
    assert opened(key, pieces[:1], last=False) == THREE[:CHUNK]
    assert opened(key, pieces[1:2], 1, last=False) == THREE[CHUNK : 2 * CHUNK]
    assert opened(key, pieces[1:], 1) == THREE[CHUNK:]
    assert opened(key, pieces[2:], 2) == THREE[2 * CHUNK :]


def test_what_is_elsewhere_cut_off_swapped_or_added_does_not_open() -> None:
    key, pieces = chunks(THREE)
    one, two, three = pieces
    other, of_other = chunks(THREE, ObjectKey(DEK, "a/c", key.salt))
    again, of_again = chunks(THREE)  # the same key and data key, another salt
    longer = b"".join(chunks(THREE + bytes(CHUNK), key)[1])

    for put_together, first, last in (
        ([two, one, three], 0, True),  # reordered
        ([one, three], 0, True),  # one is missing
        ([one, two], 0, True),  # cut off at a chunk's end
        ([one, two, three[:-1]], 0, True),  # in a chunk
        ([one, two, three, three], 0, True),  # added
        ([one, two, one], 0, True),
        ([one], 1, False),  # at another place
        ([three], 2, False),  # the end, taken for a middle
        ([two], 1, True),  # a middle, taken for the end
        ([one, of_other[1], three], 0, True),  # of another key under the same salt
        ([one, of_again[1], three], 0, True),
        ([one, two, longer[2 * SEALED_CHUNK : 3 * SEALED_CHUNK]], 0, True),  # of another body
        ([b""], 0, True),
        ([one[:15]], 0, False),
    ):
        with pytest.raises(Corrupt):
            opened(key, put_together, first, last=last)
    with pytest.raises(Corrupt):
        opened(other, pieces)
    with pytest.raises(Corrupt):
        opened(again, pieces)


@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1])
def test_an_end_is_an_end(length: int) -> None:
    key, pieces = chunks(bytes(length))

    assert opened(key, pieces) == bytes(length)
    with pytest.raises(Corrupt):
        opened(key, pieces, last=False)


def test_a_header_is_of_one_object_under_one_data_key() -> None:
    key = ObjectKey(DEK, "a/b")
    header = parse_header(key.header(KEY) + b"what follows")

    assert (header.key, header.salt, len(header.data)) == (KEY, key.salt, HEADER_BYTES)
    ObjectKey(DEK, "a/b", header.salt).check(header)
    for wrong in (
        ObjectKey(DEK, "a/c", header.salt),
        ObjectKey(bytes(32), "a/b", header.salt),
        ObjectKey(DEK, "a/b"),
    ):
        with pytest.raises(Corrupt):
            wrong.check(header)


def test_a_rewrapped_header_keeps_the_salt_and_opens_with_the_same_keys() -> None:
    key = ObjectKey(DEK, "a/b")
    newer = WrappedKey("other", "2", b"wrapped anew")

    header = parse_header(ObjectKey(DEK, "a/b", key.salt).header(newer))

    assert (header.key, header.salt) == (newer, key.salt)
    key.check(header)


def test_salts_are_random() -> None:
    assert len({ObjectKey(DEK, "a/b").salt for _ in range(50)}) == 50


@pytest.mark.parametrize("beginning", [b"", b"SKO1", b"SKO1\x02" + bytes(1100), bytes(2000)])
def test_what_is_no_header_is_corrupt(beginning: bytes) -> None:
    with pytest.raises(Corrupt):
        parse_header(beginning)


def test_the_room_for_the_wrapped_key_is_known_to_the_byte() -> None:
    room = 1024 - 4 - 1 - 32 - 32 - 6
    fits = WrappedKey("k" * 255, "v", b"w" * (room - 256))
    assert parse_header(ObjectKey(DEK, "a").header(fits)).key == fits

    for wide in (
        WrappedKey("k" * 255, "v", b"w" * (room - 255)),
        WrappedKey("k", "v", bytes(70_000)),
    ):
        with pytest.raises(Invalid, match=f"room for {room + 6} bytes"):
            ObjectKey(DEK, "a").header(wide)


@given(st.integers(0, 2**44))
def test_sizes_are_computed_both_ways(size: int) -> None:
    assert plain_size(sealed_size(size)) == size


@pytest.mark.parametrize("body", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_sizes_are_those_of_what_is_sealed(body: int) -> None:
    assert HEADER_BYTES + sum(map(len, chunks(bytes(body))[1])) == sealed_size(body)


def test_sizes_that_no_body_makes_are_none() -> None:
    made = {sealed_size(size) for size in range(2 * CHUNK + 100)}
    for size in range(HEADER_BYTES + 2 * SEALED_CHUNK + TAG_BYTES + 50):
        assert (plain_size(size) is not None) == (size in made), size


def test_no_traceback_shows_a_body_or_a_key() -> None:
    key, pieces = chunks(b"canary-4c1d9f07" * 3)

    for work in (
        lambda: key.open(1, pieces[0], last=True),
        lambda: ObjectKey(DEK, "a").header(WrappedKey("k" * 2000, "", b"")),
    ):
        report = report_of(work)
        assert "sealed_object" in report
        assert "canary" not in report
        assert str(DEK) not in report
