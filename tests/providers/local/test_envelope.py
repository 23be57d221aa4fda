"""Sealed messages, keys and headers, each on its own."""

from __future__ import annotations

import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.envelope import header
from skykeep.envelope.digests import sha256
from skykeep.envelope.keys import (
    RECOMMENDED,
    Argon2id,
    VaultKeys,
    kek_from_key_file,
    kek_from_passphrase,
    unwrap,
    wrap,
)
from skykeep.envelope.sealed import OVERHEAD, Sealer, context
from skykeep.errors import Corrupt, Invalid, KeyFailure, SkykeepError, Unsupported
from tests.providers.local.vaults import CHEAP

PARTS = st.lists(st.binary(max_size=6), min_size=1, max_size=4)


@given(PARTS, PARTS)
def test_no_two_contexts_meet(one: list[bytes], two: list[bytes]) -> None:
    assert (context(*one) == context(*two)) == (one == two)


@given(PARTS, PARTS)
def test_no_context_begins_another_of_the_same_kind_and_count(
    one: list[bytes], two: list[bytes]
) -> None:
    if one != two and len(one) == len(two):
        assert not context(*one).startswith(context(*two))


@given(st.binary(max_size=100), st.binary(max_size=20), st.binary(max_size=20))
def test_what_was_sealed_opens_in_its_context_only(
    plain: bytes, about: bytes, other: bytes
) -> None:
    sealer = Sealer(bytes(32))
    message = sealer.seal(plain, about)
    assert len(message) == len(plain) + OVERHEAD
    assert sealer.open(message, about) == plain
    if other != about:
        with pytest.raises(Corrupt):
            sealer.open(message, other)


def test_each_byte_of_a_sealed_message_counts() -> None:
    sealer = Sealer(os.urandom(32))
    message = sealer.seal(b"value", b"about")
    for place in range(len(message)):
        damaged = bytearray(message)
        damaged[place] ^= 1
        with pytest.raises(Corrupt):
            sealer.open(bytes(damaged), b"about")
    for length in range(len(message)):
        with pytest.raises(Corrupt) as caught:
            sealer.open(message[:length], b"about")
        assert caught.value.__context__ is None
    with pytest.raises(Corrupt):
        Sealer(os.urandom(32)).open(message, b"about")


def test_no_message_is_sealed_twice_the_same() -> None:
    sealer = Sealer(bytes(32))
    assert len({sealer.seal(b"value", b"") for _ in range(100)}) == 100


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32"):
        Sealer(bytes(size))


# -- keys


@pytest.mark.parametrize(
    "cost",
    [
        Argon2id(memory_kib=7, passes=1, lanes=1),
        Argon2id(memory_kib=31, passes=1, lanes=4),
        Argon2id(memory_kib=4 * 1024 * 1024 + 1, passes=1, lanes=1),
        Argon2id(memory_kib=64, passes=0, lanes=1),
        Argon2id(memory_kib=64, passes=101, lanes=1),
        Argon2id(memory_kib=64, passes=1, lanes=0),
        Argon2id(memory_kib=1024, passes=1, lanes=65),
    ],
)
def test_costs_that_cannot_be(cost: Argon2id) -> None:
    with pytest.raises(Invalid):
        kek_from_passphrase("passphrase", bytes(16), cost)


def test_the_default_cost_is_rfc_9106s_second_choice() -> None:
    assert Argon2id(memory_kib=65536, passes=3, lanes=4) == RECOMMENDED


def test_a_key_encryption_key_depends_on_everything() -> None:
    base = kek_from_passphrase("passphrase", bytes(16), CHEAP)
    others = [
        kek_from_passphrase("Passphrase", bytes(16), CHEAP),
        kek_from_passphrase("passphrase", b"x" * 16, CHEAP),
        kek_from_passphrase("passphrase", bytes(16), Argon2id(64, 2, 1)),
        kek_from_passphrase("passphrase", bytes(16), Argon2id(72, 1, 1)),
        kek_from_key_file(b"passphrase", bytes(16)),
        kek_from_key_file(bytes(32), bytes(16)),
        kek_from_key_file(bytes(32), b"x" * 16),
    ]
    assert len({base, *others}) == len(others) + 1
    assert {len(key) for key in others} == {32}
    assert kek_from_passphrase("passphrase", bytes(16), CHEAP) == base


def test_surrogates_in_a_passphrase() -> None:
    assert len(kek_from_passphrase("\udcff", bytes(16), CHEAP)) == 32


def test_a_wrapped_key_is_bound_to_its_vault_and_slot() -> None:
    kek, dek = os.urandom(32), os.urandom(32)
    wrapped = wrap(kek, dek, b"vault", b"slot")
    assert unwrap(kek, wrapped, b"vault", b"slot") == dek
    for other in (
        (os.urandom(32), wrapped, b"vault", b"slot"),
        (kek, wrapped, b"vaul", b"tslot"),
        (kek, wrapped, b"vault", b"slo"),
        (kek, wrapped[:-1], b"vault", b"slot"),
        (kek, wrap(kek, dek[:31], b"vault", b"slot"), b"vault", b"slot"),
    ):
        with pytest.raises(KeyFailure) as caught:
            unwrap(*other)
        assert caught.value.__context__ is None


@given(st.text(max_size=10), st.text(max_size=10))
def test_name_and_prefix_keys_do_not_meet(one: str, two: str) -> None:
    keys = VaultKeys(bytes(32), bytes(16))
    try:
        one.encode(), two.encode()
    except UnicodeEncodeError:
        return
    assert len(keys.name_key(one)) == len(keys.prefix_key(one)) == 16
    assert (keys.name_key(one) == keys.name_key(two)) == (one == two)
    assert (keys.prefix_key(one) == keys.prefix_key(two)) == (one == two)
    assert keys.name_key(one) != keys.prefix_key(two)
    assert keys.name_key(one) != VaultKeys(bytes(32), b"x" * 16).name_key(one)


# -- headers


def test_each_slot_unlocks() -> None:
    key = os.urandom(32)
    made, dek = header.new_header(passphrase="passphrase", key=key, cost=CHEAP)
    assert made.kinds() == {"passphrase", "key-file"}
    read = header.parse(*header.pack(made))
    assert read == made
    assert header.unlock_with_key(read, key) == dek
    assert header.unlock_with_passphrase(read, "passphrase") == dek
    for wrong in (bytes(32), dek):
        with pytest.raises(KeyFailure):
            header.unlock_with_key(read, wrong)
    with pytest.raises(KeyFailure):
        header.unlock_with_passphrase(read, "Passphrase")


def test_a_slot_of_the_other_kind_does_not_unlock() -> None:
    only_key, _ = header.new_header(key=bytes(32))
    with pytest.raises(KeyFailure):
        header.unlock_with_passphrase(only_key, "passphrase")
    only_passphrase, _ = header.new_header(passphrase="passphrase", cost=CHEAP)
    with pytest.raises(KeyFailure):
        header.unlock_with_key(only_passphrase, bytes(32))


def test_slots_are_tried_in_turn() -> None:
    first, dek = header.new_header(key=bytes(32))
    slot = first.slots[0]
    two = msgspec.structs.replace(
        first, slots=(msgspec.structs.replace(slot, id=b"x" * 8), slot)
    )
    assert header.unlock_with_key(two, bytes(32)) == dek
    first, dek = header.new_header(passphrase="passphrase", cost=CHEAP)
    slot = first.slots[0]
    two = msgspec.structs.replace(
        first, slots=(msgspec.structs.replace(slot, id=b"x" * 8), slot)
    )
    assert header.unlock_with_passphrase(two, "passphrase") == dek


def test_a_vault_needs_a_key() -> None:
    with pytest.raises(Invalid):
        header.new_header()


def test_two_vaults_have_nothing_in_common() -> None:
    one, two = (header.new_header(key=bytes(32)) for _ in range(2))
    assert one[1] != two[1]
    assert one[0].vault != two[0].vault
    assert one[0].slots[0].salt != two[0].slots[0].salt


def tree() -> dict[str, object]:
    made, _ = header.new_header(passphrase="passphrase", key=bytes(32), cost=CHEAP)
    parsed = msgspec.json.decode(header.pack(made)[0])
    assert isinstance(parsed, dict)
    return parsed


def parsed(changed: dict[str, object]) -> header.Header:
    body = msgspec.json.encode(changed)
    return header.parse(body, sha256(body))


@pytest.mark.parametrize(
    ("changes", "raised"),
    [
        ({"format": 0}, Corrupt),
        ({"format": -7}, Corrupt),
        ({"format": "1"}, Corrupt),
        ({"format": 1.5}, Corrupt),
        ({"format": 2}, Unsupported),
        ({"format": 2, "slots": "of another kind"}, Unsupported),
        ({"vault": "AAAA"}, Corrupt),
        ({"vault": 7}, Corrupt),
        ({"epoch": 0}, Corrupt),
        ({"epoch": None}, Corrupt),
        ({"epoch": "1"}, Corrupt),
        ({"slots": []}, Corrupt),
        ({"slots": None}, Corrupt),
        ({"more": 1}, Corrupt),
    ],
)
def test_headers_that_make_no_sense(
    changes: dict[str, object], raised: type[SkykeepError]
) -> None:
    with pytest.raises(raised):
        parsed(tree() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "a retina"},
        {"kind": "key-file"},
        {"argon2id": None},
        {"argon2id": {"memory_kib": 64, "passes": 10**9, "lanes": 1}},
        {"argon2id": {"memory_kib": 10**12, "passes": 1, "lanes": 1}},
        {"argon2id": {"memory_kib": 64, "passes": 1, "lanes": 0}},
        {"salt": 5},
        {"salt": "AAAA"},
        {"id": "AAAA"},
        {"wrapped": "not base64!"},
    ],
)
def test_slots_that_make_no_sense(changes: dict[str, object]) -> None:
    whole = tree()
    slots = whole["slots"]
    assert isinstance(slots, list)
    slots[1].update(changes)
    assert slots[1] is not slots[0]
    with pytest.raises(Corrupt):
        parsed(whole)
