"""What a write is, and what is kept of it to be sent again."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from datetime import UTC, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Corrupt
from skykeep.interfaces.secret_command import (
    IDEMPOTENT,
    REPLICATED,
    Kind,
    SecretCommand,
    digest_of,
    unpack,
)
from skykeep.interfaces.secret_driver import KEEP, Attributes, Stamp
from skykeep.interfaces.secret_value import SecretValue
from tests.replication.fleet import NAME

ONE, TWO = SecretValue(b"one"), SecretValue(b"two")
KINDS = get_args(Kind)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
PAIRS = st.dictionaries(TEXTS, TEXTS, max_size=3)
TIMES = st.datetimes(
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5))]
    )
)
STAMPS = st.builds(Stamp, st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=16))
ATTRIBUTES = st.builds(
    Attributes,
    metadata=st.just(KEEP) | PAIRS,
    tags=st.just(KEEP) | PAIRS,
    expires_at=st.just(KEEP) | st.none() | TIMES,
    stamp=st.none() | STAMPS,
)
COMMANDS = st.builds(
    SecretCommand,
    st.sampled_from(KINDS),
    TEXTS,
    value=st.none() | st.builds(SecretValue, st.binary(max_size=100)),
    attributes=ATTRIBUTES,
    stage=TEXTS,
    version=st.none() | TEXTS,
    expects=st.none() | TEXTS,
    on_tombstone=st.sampled_from(["fail", "recover", "purge"]),
    tags=PAIRS,
    at=st.none() | TEXTS,
)


def command(kind: Kind, **given: Any) -> SecretCommand:
    return SecretCommand(kind, NAME, **given)


# -- packed and unpacked


@given(COMMANDS)
def test_all_of_it_comes_back(written: SecretCommand) -> None:
    found = unpack(written.pack())
    for each in fields(SecretCommand):
        assert getattr(found, each.name) == getattr(written, each.name), each.name


@given(COMMANDS)
def test_what_is_to_be_kept_stays_apart_from_what_is_removed(written: SecretCommand) -> None:
    found = unpack(written.pack()).attributes
    assert (found.metadata is KEEP) == (written.attributes.metadata is KEEP)
    assert (found.tags is KEEP) == (written.attributes.tags is KEEP)
    assert (found.expires_at is KEEP) == (written.attributes.expires_at is KEEP)
    assert (found.expires_at is None) == (written.attributes.expires_at is None)


CANARY = b"canary-4c1d9f07"


def _changed(**changes: object) -> bytes:
    kept = json.loads(command("put", value=SecretValue(CANARY)).pack())
    return json.dumps({**kept, **changes}).encode()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff" + CANARY,
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        command("put", value=SecretValue(CANARY)).pack()[:-1],
        _changed(value=CANARY.decode()),  # no base64
        _changed(value=7),
        _changed(kind="of-a-newer-version"),
        _changed(kind=None),
        _changed(set_expires_at="tomorrow"),
        _changed(set_expires_at=3),
        _changed(stamp=3),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_shown(damaged: bytes) -> None:
    with pytest.raises(Corrupt, match="makes no sense") as caught:
        unpack(damaged)
    shown = repr(caught.value) + str(caught.value.__context__) + str(caught.value.__cause__)
    assert CANARY.decode() not in shown
    assert base64.b64encode(CANARY).decode() not in shown
    assert caught.value.__context__ is None


@pytest.mark.parametrize("missing", ["kind", "resource", "value", "stamp", "tags", "expects"])
def test_a_record_without_one_of_its_parts_is_refused(missing: str) -> None:
    kept = json.loads(command("put", value=ONE).pack())
    del kept[missing]
    with pytest.raises(Corrupt):
        unpack(json.dumps(kept).encode())


# -- what it is


def test_what_reaches_the_others_and_what_may_be_done_twice() -> None:
    for kind in KINDS:
        each = command(kind)
        assert each.replicated == (kind in REPLICATED)
        assert each.idempotent == (kind in IDEMPOTENT)
        assert not replace(each, expects="1").idempotent
        assert each.follows == (kind in {"restore", "promote"})
        assert each.deletes == (kind in {"delete", "purge"})
    assert set(KINDS) - REPLICATED == {"label"}
    assert set(KINDS) - IDEMPOTENT == {"create", "delete", "purge", "restore"}
    assert not command("update", stage="pending").replicated


def test_the_digest_and_the_size_are_of_the_value() -> None:
    assert command("put", value=ONE).digest == digest_of(ONE) != digest_of(TWO)
    assert command("delete").digest is None
    assert (command("put", value=ONE).size, command("delete").size) == (3, 0)


def test_a_stamp_goes_with_the_attributes() -> None:
    said = Attributes(tags={"a": "b"})
    stamp = Stamp(1, bytes(16))
    assert command("put", attributes=said).stamped(stamp).attributes == replace(
        said, stamp=stamp
    )


def test_the_value_is_not_in_its_repr() -> None:
    assert CANARY.decode() not in repr(command("put", value=SecretValue(CANARY)))
