"""What a sealed secret promises beside its format (``tests/spec/test_second_sealing.py``)."""

from __future__ import annotations

import pytest

from skykeep.envelope.sealed_secret import (
    ROOM,
    is_sealed_secret,
    open_secret,
    parse_secret,
    seal_secret,
)
from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import Corrupt, Invalid
from tests.envelope.reports import report_of

DEK = bytes(range(32))
KEY = WrappedKey("main", "1", b"wrapped")


def sealed(value: bytes = b"value", *, store: str = "here", name: str = "a/b") -> bytes:
    return seal_secret(DEK, value, KEY, store=store, revision=5, name=name)


def test_a_value_opens_under_its_name_only() -> None:
    parsed = parse_secret(sealed())

    assert (parsed.key, parsed.store, parsed.revision) == (KEY, "here", 5)
    assert open_secret(DEK, parsed, "a/b") == b"value"
    for dek, name in ((DEK, "a/c"), (DEK, "a"), (bytes(32), "a/b")):
        with pytest.raises(Corrupt):
            open_secret(dek, parsed, name)


def test_no_part_of_a_header_can_be_anothers() -> None:
    """What another value's header says is authenticated with that value alone."""
    one, other = parse_secret(sealed()), parse_secret(sealed(store="gone"))

    for spliced in (one.header + other.message, other.header + one.message):
        with pytest.raises(Corrupt):
            open_secret(DEK, parse_secret(spliced), "a/b")


def test_equal_values_do_not_look_equal() -> None:
    assert len({sealed() for _ in range(50)}) == 50


def test_the_room_for_a_header_is_known_to_the_byte() -> None:
    room = ROOM - 29 - 5 - 8 - 4 * 2
    fits = WrappedKey("k" * 200, "v", b"w" * (room - 205))
    made = seal_secret(DEK, b"value", fits, store="here", revision=2**64 - 1, name="a")
    assert len(made) == ROOM + len(b"value")
    assert parse_secret(made).revision == 2**64 - 1

    for key, store in (
        (fits, "there"),
        (KEY, "s" * room),
        (WrappedKey("k", "v", bytes(70_000)), "s"),
    ):
        with pytest.raises(Invalid, match="shorten"):
            seal_secret(DEK, b"", key, store=store, revision=1, name="a")


def test_what_is_no_sealed_secret_is_corrupt() -> None:
    whole = sealed(b"")
    assert is_sealed_secret(whole)
    assert not is_sealed_secret(b"SKS")
    for at in range(len(whole)):
        with pytest.raises(Corrupt):
            open_secret(DEK, parse_secret(whole[:at]), "a/b")
    with pytest.raises(Corrupt):
        parse_secret(b"SKS1\x02" + whole[5:])


def test_no_traceback_shows_a_value_or_a_key() -> None:
    long = WrappedKey("k" * 2000, "", b"")
    secret = b"canary-4c1d9f07"
    kept = parse_secret(sealed(secret))
    for work in (
        lambda: open_secret(DEK, kept, "other"),
        lambda: seal_secret(DEK, secret, long, store="here", revision=1, name="a"),
    ):
        report = report_of(work)
        assert "seal" in report
        assert "canary" not in report
        assert str(DEK) not in report
