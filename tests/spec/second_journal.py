"""A second implementation of the journal's format: section 11 of ``docs/spec/envelope.md``, and
nothing else. It shares no line with skykeep."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from pathlib import Path
from typing import NamedTuple

from tests.spec.second import Damaged, NewerFormat, WrongKey, context, hkdf, seal, u64, unseal


class State(NamedTuple):
    """Of all rows."""

    number: int
    last: int
    entries: int
    size: int
    gone: int
    swept: int


class Unlocked(NamedTuple):
    """A journal's id and DEK."""

    journal: bytes
    dek: bytes


def kek(key: bytes, salt: bytes) -> bytes:
    return hkdf(key, salt, b"skykeep/1 journal key file")


def data_key(own: Unlocked) -> bytes:
    return hkdf(own.dek, own.journal, b"skykeep/1 journal")


def stripe(own: Unlocked, name: str) -> int:
    lock_key = hkdf(own.dek, own.journal, b"skykeep/1 journal locks")
    return hmac.digest(lock_key, name.encode(), "sha256")[0]


def header(key: bytes, own: Unlocked, salt: bytes, nonce: bytes) -> bytes:
    begin = b"SKJ1\x01" + own.journal + salt
    whole = begin + seal(kek(key, salt), nonce, own.dek, context("journal key", begin))
    return whole + hashlib.sha256(whole).digest()


def unlock(key: bytes, body: bytes) -> Unlocked:
    if body[:3] != b"SKJ" or hashlib.sha256(body[:-32]).digest() != body[-32:]:
        raise Damaged("no header")
    if body[3:5] != b"1\x01":
        raise NewerFormat
    if len(body) != 130:
        raise Damaged("no header of this format")
    begin = body[:37]
    try:
        dek = unseal(kek(key, begin[21:]), body[37:98], context("journal key", begin))
    except Damaged:
        raise WrongKey from None
    return Unlocked(begin[5:21], dek)


def seal_row(own: Unlocked, row: int, changed: int, record: bytes, nonce: bytes) -> bytes:
    bound = context("journal row", own.journal, u64(row), u64(changed))
    return seal(data_key(own), nonce, record, bound)


def open_row(own: Unlocked, row: int, changed: int, sealed: bytes) -> bytes:
    bound = context("journal row", own.journal, u64(row), u64(changed))
    return unseal(data_key(own), sealed, bound)


def seal_state(own: Unlocked, state: State, nonce: bytes) -> bytes:
    bound = context("journal state", own.journal)
    return seal(data_key(own), nonce, b"".join(u64(each) for each in state), bound)


def open_state(own: Unlocked, sealed: bytes) -> State:
    plain = unseal(data_key(own), sealed, context("journal state", own.journal))
    if len(plain) != 48:
        raise Damaged("no state")
    return State(*(int.from_bytes(plain[at : at + 8], "big") for at in range(0, 48, 8)))


def read(path: Path, key: bytes) -> tuple[State, dict[int, bytes | None]]:
    """All of a journal's file."""
    with sqlite3.connect(path) as database:
        body, sealed = database.execute(
            "SELECT body, state FROM header WHERE id = 0"
        ).fetchone()
        rows = database.execute("SELECT id, changed, sealed FROM entry").fetchall()
    database.close()
    own = unlock(key, body)
    found = {
        row: None if record is None else open_row(own, row, changed, record)
        for row, changed, record in rows
    }
    state = open_state(own, sealed)
    kept = [record for record in found.values() if record is not None]
    if (len(kept), sum(map(len, kept))) != (state.entries, state.size):
        raise Damaged("rows are missing")
    return state, found
