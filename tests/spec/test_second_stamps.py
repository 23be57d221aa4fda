"""Stamps in the record of a secret, between skykeep and the second implementation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from skykeep.errors import Corrupt
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import record
from tests.spec import make_vectors, second
from tests.spec.test_second_implementation import Place, as_ours, assert_same

ONE = Stamp(1_767_225_600_000_001, bytes(range(16)))
TWO = Stamp(2**64 - 1, b"\xff" * 16)


def packed(stamp: Stamp) -> bytes:
    """By the page: u64 of the revision, then the digest."""
    return second.u64(stamp.revision) + stamp.digest


async def put(driver: SecretDriver, text: str, stamp: Stamp | None, **where: str) -> None:
    await driver.update("a/b", SecretValue(text), Attributes(stamp=stamp), **where)


@pytest.mark.asyncio
async def test_the_second_reads_the_stamps_of_skykeep(tmp_path: Path) -> None:
    place = Place(tmp_path / "vault.db", key_file=tmp_path / "vault.key", keep_versions=3)
    place.create()
    async with place.driver() as driver:
        await driver.create("a/b", SecretValue("1"), Attributes(stamp=ONE))
        await put(driver, "2", None)
        await put(driver, "3", TWO, stage="pending")
        with place.by_second() as vault:
            assert vault.record("a/b").stamps == {1: packed(ONE), 3: packed(TWO)}
            await assert_same(driver, vault)
            await put(driver, "4", None)
            assert vault.record("a/b").stamps == {3: packed(TWO)}, "1 was dropped"
            await assert_same(driver, vault)


@pytest.mark.asyncio
async def test_skykeep_reads_the_stamps_of_the_second(tmp_path: Path) -> None:
    place = Place(tmp_path / "vault.db", key_file=tmp_path / "vault.key")
    with place.create_second() as vault:
        vault.put("a/b", b"1", stamp=packed(ONE))
        vault.put("a/b", b"2")
        async with place.driver() as driver:
            assert (await driver.get("a/b", version="1")).stamp == ONE
            assert (await driver.describe("a/b")).stamp is None
            await assert_same(driver, vault)
            await put(driver, "3", TWO)
            await assert_same(driver, vault)
        vault.put("a/b", b"4")
        assert vault.record("a/b").stamps == {1: packed(ONE), 3: packed(TWO)}


def test_without_stamps_a_record_is_as_it_was_before_there_were_any() -> None:
    packed = record.pack(as_ours(make_vectors.shown(make_vectors.RECORD)))
    assert len(msgspec.msgpack.decode(packed)) == 12
    assert record.unpack(packed).stamps == {}


@pytest.mark.parametrize(
    "stamps",
    [{3: b"short"}, {3: bytes(25)}, {3: "x" * 24}, {"3": bytes(24)}],
    ids=["short", "long", "text", "number-as-text"],
)
def test_what_is_no_stamp_is_damage(stamps: Mapping[int, bytes]) -> None:
    damaged = replace(make_vectors.RECORD, stamps=stamps).pack()
    with pytest.raises(second.Damaged):
        second.Record.unpack(damaged)
    with pytest.raises(Corrupt):
        record.unpack(damaged)
