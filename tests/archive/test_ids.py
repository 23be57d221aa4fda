"""Ids say when, sort by it, and cannot be guessed; keys follow from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.archive import ids
from skykeep.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 253_402_300_799_999_999).map(
    lambda microseconds: EPOCH + timedelta(microseconds=microseconds)
)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ULID = "01m8v9w3qk5e7xz2c4n6p8r0st"  # pragma: allowlist secret (made up)


@given(MOMENTS)
def test_an_id_carries_its_time_to_the_millisecond(at: datetime) -> None:
    found = ids.parse(ids.new_object(at)).at
    assert found is not None
    assert timedelta(0) <= at - found < timedelta(milliseconds=1)


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: datetime, other: datetime) -> None:
    if abs(one - other) >= timedelta(milliseconds=1):
        assert (ids.new_object(one) < ids.new_object(other)) == (one < other)


def test_the_time_is_that_of_the_published_form() -> None:
    """The example of github.com/ulid/spec: 01ARZ3NDEK is 1469922850259 ms."""
    at = ids.parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").at
    assert at == datetime.fromtimestamp(1469922850.259, UTC)


@given(
    st.booleans(),
    st.none()
    | st.builds(
        ids.Place,
        st.integers(0, ids.MAX_PLACE - 1),
        st.integers(0, ids.MAX_PLACE - 1),
        st.text(ids.ALPHABET, min_size=16, max_size=16),
    ),
)
def test_every_id_is_read_back(packed: bool, place: ids.Place | None) -> None:
    made = ids.ResultId(ids.new_object(NOON), packed, place)
    assert ids.parse(str(made)) == made
    assert ids.parse(str(made).upper()) == made


def test_no_two_ids_of_a_moment_are_alike() -> None:
    made = {ids.new_object(NOON) for _ in range(1000)}
    assert len(made) == 1000
    for place in range(10, 26):
        assert len({each[place] for each in made}) > 16, "each character is random"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        ULID[:-1],
        f"{ULID}0",
        f"{ULID}-",
        f"{ULID}-{26 * '0'}0",
        f"8{ULID[1:]}",  # beyond 48 bits
        f"7{25 * 'z'}",  # 48 bits, and after the year 9999
        ULID.replace("m", "u"),
        "../../etc/passwd",
        f"{ULID}/x",
        f" {ULID}",
        f"{ULID}\n",
        "6f1c2b8e-0000-4000-8000-00000000000",
    ],
)
def test_what_is_no_id_is_invalid(text: str) -> None:
    with pytest.raises(Invalid, match="not the id of a result"):
        ids.parse(text)


def test_a_uuid_has_no_date() -> None:
    assert ids.parse("6F1C2B8E-0000-4000-8000-000000000000").at is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("batch", [False, True])
def test_a_file_is_known_by_its_name(packed: bool, batch: bool) -> None:
    name = ids.file_name(ULID, packed=packed, batch=batch)
    assert ids.file_of(name) == ids.File(ULID, packed, batch)


@pytest.mark.parametrize(
    "name",
    ["notes.txt", f"{ULID}", f"{ULID}.json.gz", f"{ULID}z.json", f".{ULID}.json", "a.json",
     f"{ULID}.JSON", f"7{25 * 'z'}.json", "6f1c2b8e-0000-4000-8000-000000000000.jsonl"],
)  # fmt: skip
def test_other_files_are_not_an_archives(name: str) -> None:
    assert ids.file_of(name) is None


def test_the_seeds_files_are_an_archives() -> None:
    uuid = "6f1c2b8e-0000-4000-8000-000000000000"
    assert ids.file_of(f"{uuid}.json") == ids.File(uuid, packed=False, batch=False)
