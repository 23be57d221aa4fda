"""What is sealed before upload: vectors, and both implementations read each other's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.envelope import sealed_object, sealed_secret
from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import Corrupt
from tests.spec import make_sealing_vectors, second_sealing
from tests.spec.second import Damaged

VECTORS: dict[str, Any] = json.loads(make_sealing_vectors.FILE.read_text(encoding="utf-8"))
SECRETS, OBJECTS = VECTORS["secrets"], VECTORS["objects"]
DEK = make_sealing_vectors.DEK


def key_of(case: dict[str, Any]) -> WrappedKey:
    return WrappedKey(case["kek"], case["version"], bytes.fromhex(case["wrapped"]))


def ours(dek: bytes, name: str, sealed: bytes) -> bytes:
    """An object, opened by skykeep."""
    header = sealed_object.parse_header(sealed)
    key = sealed_object.ObjectKey(dek, name, header.salt)
    key.check(header)
    if sealed_object.plain_size(len(sealed)) is None:
        raise Corrupt("no body has that size")
    return key.open(0, sealed[sealed_object.HEADER_BYTES :], last=True)


def sealed_by_us(dek: bytes, key: WrappedKey, name: str, body: bytes, salt: bytes) -> bytes:
    own = sealed_object.ObjectKey(dek, name, salt)
    return own.header(key) + own.seal(0, body, last=True)


def test_the_vectors_are_what_the_second_implementation_makes(tmp_path: Path) -> None:
    make_sealing_vectors.write(tmp_path)

    assert json.loads((tmp_path / "sealing.json").read_text(encoding="utf-8")) == VECTORS


@pytest.mark.parametrize("case", SECRETS, ids=range(len(SECRETS)))
def test_secrets_of_the_vectors(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sealed, value = bytes.fromhex(case["sealed"]), bytes.fromhex(case["value"])

    parsed = sealed_secret.parse_secret(sealed)
    assert (parsed.key, parsed.store, parsed.revision) == (
        key_of(case),
        case["store"],
        case["revision"],
    )
    assert sealed_secret.open_secret(DEK, parsed, case["name"]) == value

    monkeypatch.setattr("os.urandom", lambda count: bytes.fromhex(case["nonce"])[:count])
    again = sealed_secret.seal_secret(
        DEK,
        value,
        key_of(case),
        store=case["store"],
        revision=case["revision"],
        name=case["name"],
    )
    assert again == sealed


@pytest.mark.parametrize("case", OBJECTS, ids=lambda case: str(case["length"]))
def test_objects_of_the_vectors(case: dict[str, Any]) -> None:
    body = make_sealing_vectors.body_of(case["length"])

    sealed = sealed_by_us(DEK, key_of(case), case["name"], body, bytes.fromhex(case["salt"]))

    assert len(sealed) == case["sealed_length"]
    assert sealed[: sealed_object.HEADER_BYTES].hex() == case["header"]
    assert sealed[-16:].hex() == case["last_chunk_tag"]
    assert hashlib.sha256(sealed).hexdigest() == case["sealed_sha256"]
    assert sealed_object.sealed_size(case["length"]) == case["sealed_length"]
    assert sealed_object.plain_size(case["sealed_length"]) == case["length"]
    assert ours(DEK, case["name"], sealed) == body


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
wrapped = st.builds(WrappedKey, names, names, st.binary(max_size=300))


@given(st.binary(min_size=32, max_size=32), wrapped, names, names, st.binary(max_size=2000))
def test_secrets_go_both_ways(
    dek: bytes, key: WrappedKey, store: str, name: str, value: bytes
) -> None:
    by_us = sealed_secret.seal_secret(dek, value, key, store=store, revision=7, name=name)
    theirs = second_sealing.Wrapped(key.kek, key.version, key.wrapped)
    assert second_sealing.open_secret(dek, name, by_us) == second_sealing.Secret(
        theirs, store, 7, value
    )

    by_second = second_sealing.seal_secret(
        dek, theirs, value, store=store, revision=7, name=name, nonce=bytes(12)
    )
    parsed = sealed_secret.parse_secret(by_second)
    assert (parsed.key, parsed.store, parsed.revision) == (key, store, 7)
    assert sealed_secret.open_secret(dek, parsed, name) == value


@settings(max_examples=40)
@given(
    st.binary(min_size=32, max_size=32),
    wrapped,
    names,
    st.sampled_from((0, 1, 65_535, 65_536, 65_537, 131_072, 140_000)),
    st.binary(min_size=32, max_size=32),
)
def test_objects_go_both_ways(
    dek: bytes, key: WrappedKey, name: str, length: int, salt: bytes
) -> None:
    body = make_sealing_vectors.body_of(length)
    theirs = second_sealing.Wrapped(key.kek, key.version, key.wrapped)

    by_us = sealed_by_us(dek, key, name, body, salt)
    assert by_us == second_sealing.seal_object(dek, theirs, salt, name, body)
    assert second_sealing.open_object(dek, name, by_us) == (theirs, body)
    assert ours(dek, name, by_us) == body


def damaged(sealed: bytes, at: int, how: str) -> bytes:
    """One fault: a bit flipped, a byte taken out or put in, everything from there cut off."""
    if how == "flip":
        return sealed[:at] + bytes([sealed[at] ^ 1 << at % 8]) + sealed[at + 1 :]
    if how == "cut":
        return sealed[:at]
    if how == "drop":
        return sealed[:at] + sealed[at + 1 :]
    return sealed[:at] + b"\0" + sealed[at:]


@given(st.integers(0, 10_000), st.sampled_from(("flip", "cut", "drop", "add")))
def test_a_damaged_secret_is_corrupt_to_both(at: int, how: str) -> None:
    case = SECRETS[0]
    sealed = bytes.fromhex(case["sealed"])
    broken = damaged(sealed, at % len(sealed), how)

    with pytest.raises(Corrupt):
        sealed_secret.open_secret(DEK, sealed_secret.parse_secret(broken), case["name"])
    with pytest.raises(Damaged):
        second_sealing.open_secret(DEK, case["name"], broken)


@settings(max_examples=200)
@given(st.integers(0, 1_000_000), st.sampled_from(("flip", "cut", "drop", "add")))
def test_a_damaged_object_is_corrupt_to_both(at: int, how: str) -> None:
    name, body = "a/b", make_sealing_vectors.body_of(131_100)
    sealed = second_sealing.seal_object(
        DEK, make_sealing_vectors.KEY, make_sealing_vectors.SALT, name, body
    )
    # Half of the faults are in the header, which is a hundredth of the object.
    place = at % 1024 if at % 2 else at % len(sealed)
    broken = damaged(sealed, place, how)

    with pytest.raises(Corrupt):
        ours(DEK, name, broken)
    with pytest.raises(Damaged):
        second_sealing.open_object(DEK, name, broken)
