"""The journal's format: vectors, and both implementations read each other's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.envelope import sealed_journal
from skykeep.envelope.sealed_journal import JournalKeys, JournalState
from skykeep.errors import Corrupt, KeyFailure, Unsupported
from skykeep.journal.store import open_journal
from tests.spec import make_journal_vectors, second_journal
from tests.spec.second import Damaged, NewerFormat, WrongKey

VECTORS: dict[str, Any] = json.loads(make_journal_vectors.FILE.read_text(encoding="utf-8"))
STATES, ROWS = VECTORS["states"], VECTORS["rows"]
KEY, OWN = make_journal_vectors.KEY, make_journal_vectors.OWN
HEADER = bytes.fromhex(VECTORS["header"])
KEYS = JournalKeys(OWN.dek, OWN.journal)

numbers = st.integers(0, 2**64 - 1)


def randomness(monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    """What the system's generator gives, one after the other."""
    following: Iterator[bytes] = iter([bytes.fromhex(each) for each in given])
    monkeypatch.setattr("os.urandom", lambda count: next(following)[:count])


def test_the_vectors_are_what_the_second_implementation_makes(tmp_path: Path) -> None:
    make_journal_vectors.write(tmp_path)

    assert json.loads((tmp_path / "journal.json").read_text(encoding="utf-8")) == VECTORS


def test_the_header_of_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = sealed_journal.unlock_journal(HEADER, KEY)
    assert keys.journal.hex() == VECTORS["journal"]
    assert keys.open_row(1, 1, bytes.fromhex(ROWS[0]["sealed"])) == b""

    randomness(monkeypatch, *(VECTORS[each] for each in ("journal", "salt", "dek", "nonce")))
    again, _ = sealed_journal.new_journal(KEY)
    assert again == HEADER
    assert len(again) == sealed_journal.HEADER_BYTES


@pytest.mark.parametrize("case", ROWS, ids=lambda case: str(case["id"]))
def test_rows_of_the_vectors(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sealed, record = bytes.fromhex(case["sealed"]), bytes.fromhex(case["record"])
    assert KEYS.open_row(case["id"], case["changed"], sealed) == record
    assert len(sealed) == len(record) + KEYS.overhead
    randomness(monkeypatch, case["nonce"])
    assert KEYS.seal_row(case["id"], case["changed"], record) == sealed


@pytest.mark.parametrize("case", STATES, ids=lambda case: str(case["number"]))
def test_states_of_the_vectors(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    state = JournalState(**{field: case[field] for field in JournalState._fields})
    assert KEYS.open_state(bytes.fromhex(case["sealed"])) == state
    randomness(monkeypatch, case["nonce"])
    assert KEYS.seal_state(state).hex() == case["sealed"]


def test_stripes_of_the_vectors() -> None:
    assert {name: KEYS.stripe(name) for name in VECTORS["stripes"]} == VECTORS["stripes"]


@given(st.binary(min_size=32, max_size=32), numbers, numbers, st.binary(max_size=2000))
def test_rows_go_both_ways(key: bytes, row: int, changed: int, record: bytes) -> None:
    header, keys = sealed_journal.new_journal(key)
    own = second_journal.unlock(key, header)
    by_us = keys.seal_row(row, changed, record)
    assert second_journal.open_row(own, row, changed, by_us) == record
    by_second = second_journal.seal_row(own, row, changed, record, bytes(12))
    assert keys.open_row(row, changed, by_second) == record
    other = second_journal.header(key, own, bytes(16), bytes(12))
    assert sealed_journal.unlock_journal(other, key).open_row(row, changed, by_us) == record


@given(st.tuples(*[numbers] * 6))
def test_states_go_both_ways(state: tuple[int, ...]) -> None:
    ours, theirs = JournalState(*state), second_journal.State(*state)
    assert second_journal.open_state(OWN, KEYS.seal_state(ours)) == theirs
    assert KEYS.open_state(second_journal.seal_state(OWN, theirs, bytes(12))) == ours


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_both_choose_the_same_lock(name: str) -> None:
    assert KEYS.stripe(name) == second_journal.stripe(OWN, name)


@pytest.mark.asyncio
async def test_a_file_of_ours_is_read_by_the_second(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "owed.db")
    first = await journal.append(b"first")
    second = await journal.append(b"second")
    await journal.replace(first, b"other")
    await journal.remove(second)
    await journal.close()
    key = (tmp_path / "owed.db.key").read_bytes()
    state, found = second_journal.read(tmp_path / "owed.db", key)
    assert state == second_journal.State(4, 2, 1, 5, 1, 0)
    assert found == {first: b"other", second: None}


@pytest.mark.parametrize("at", range(len(HEADER)))
def test_a_damaged_header(at: int) -> None:
    broken = HEADER[:at] + bytes([HEADER[at] ^ 1]) + HEADER[at + 1 :]
    with pytest.raises(Corrupt):
        sealed_journal.unlock_journal(broken, KEY)
    with pytest.raises(Damaged):
        second_journal.unlock(KEY, broken)
    # With a digest that fits it is a header that somebody made up.
    made_up = hashlib.sha256(broken[:-32]).digest()
    with pytest.raises((KeyFailure, Unsupported, Corrupt)) as ours:
        sealed_journal.unlock_journal(broken[:-32] + made_up, OWN.dek if at >= 98 else KEY)
    with pytest.raises((WrongKey, NewerFormat, Damaged)) as theirs:
        second_journal.unlock(OWN.dek if at >= 98 else KEY, broken[:-32] + made_up)
    names = {KeyFailure: WrongKey, Unsupported: NewerFormat, Corrupt: Damaged}
    assert names[ours.type] is theirs.type


def test_a_header_of_another_length() -> None:
    for body in (b"", b"SKJ1\x01", HEADER[:40], HEADER[:-32] + b"more"):
        whole = body + hashlib.sha256(body).digest()
        with pytest.raises(Corrupt):
            sealed_journal.unlock_journal(whole, KEY)


def test_another_key_file() -> None:
    with pytest.raises(KeyFailure):
        sealed_journal.unlock_journal(HEADER, bytes(32))


def test_a_row_opens_in_its_place_only() -> None:
    sealed = KEYS.seal_row(7, 9, b"record")
    other = JournalKeys(OWN.dek, bytes(16))
    for keys, row, changed in ((KEYS, 8, 9), (KEYS, 7, 8), (other, 7, 9)):
        with pytest.raises(Corrupt):
            keys.open_row(row, changed, sealed)
    with pytest.raises(Corrupt):
        KEYS.open_state(KEYS.seal_row(7, 9, bytes(48)))
