"""Names under a prefix, cursors, what settings may say."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Corrupt, Invalid
from skykeep.interfaces.names import check_name
from skykeep.providers.local.names import Names, ancestors
from skykeep.providers.local.settings import LocalSettings
from tests.providers.local.vaults import keep, listed, made

SEGMENT = st.from_regex(r"[A-Za-z0-9._-]{1,8}", fullmatch=True).filter(
    lambda segment: segment not in {".", ".."}
)
PORTABLE = st.lists(SEGMENT, min_size=1, max_size=5).map("/".join)
NATIVE = st.text(min_size=1, max_size=20).map("native:{}".format)
PREFIX = st.just("") | PORTABLE.map("{}/".format)


def carried(name: str) -> bool:
    try:
        check_name(name)
    except Invalid:
        return False
    return True


NAME = (PORTABLE | NATIVE).filter(carried)


@given(NAME, NAME, PREFIX)
def test_no_two_names_meet(one: str, two: str, prefix: str) -> None:
    names = Names(prefix)
    assert (names.stored(one) == names.stored(two)) == (one == two)


@given(NAME, PREFIX)
def test_each_name_comes_back(name: str, prefix: str) -> None:
    names = Names(prefix)
    assert names.portable(names.stored(name)) == name


@given(PORTABLE, PREFIX)
def test_a_name_lies_under_its_ancestors_only(name: str, prefix: str) -> None:
    stored = Names(prefix).stored(name)
    above = ancestors(stored)
    assert all(stored.startswith(one + "/") for one in above)
    assert len(above) == stored.count("/")
    assert Names(prefix).stored_prefix("") in {"", *above}


@given(NATIVE.filter(carried), PREFIX)
def test_native_names_have_no_ancestors_and_no_prefix(name: str, prefix: str) -> None:
    assert Names(prefix).stored(name) == name
    assert ancestors(name) == []


def test_a_name_outside_the_prefix_is_damage() -> None:
    with pytest.raises(Corrupt):
        Names("team/").portable("other/name")


@pytest.mark.asyncio
async def test_a_prefix_is_put_on_and_taken_off(tmp_path: Path) -> None:
    place = made(tmp_path, prefix="team/a/")
    async with place.opened() as driver:
        await keep(driver, "db/password", b"value")
        await keep(driver, "native:Foreign name", b"value")
        assert await listed(driver) == ["db/password"]
        assert await listed(driver, "db") == ["db/password"]
        assert (await driver.describe("db/password")).name == "db/password"
    place.prefix = None
    async with place.opened() as driver:
        everything = await listed(driver)
        assert sorted(everything) == ["native:Foreign name", "team/a/db/password"]
        assert await listed(driver, "team") == ["team/a/db/password"]


# -- cursors


FOREIGN = [
    "",
    "x",
    "Å" * 22,
    "A" * 21,
    "A" * 23,
    base64.b64encode(bytes(16)).decode(),
    base64.urlsafe_b64encode(bytes(15)).decode().rstrip("="),
    base64.urlsafe_b64encode(bytes(17)).decode().rstrip("="),
    "A" * 21 + "B",
    "A" * 10 + " " + "A" * 11,
    "../" * 7 + "A",
    "A" * 10_000,
    "\udcff" * 22,
]


@pytest.mark.asyncio
@pytest.mark.parametrize("cursor", FOREIGN)
@pytest.mark.parametrize("prefix", ["", "db"])
async def test_foreign_cursors(tmp_path: Path, cursor: str, prefix: str) -> None:
    async with made(tmp_path).opened() as driver:
        with pytest.raises(Invalid) as caught:
            await driver.list(prefix, cursor=cursor, limit=10)
        assert caught.value.hint


KEYS = VaultKeys(bytes(32), bytes(16))


@given(st.text(max_size=30))
def test_any_text_as_a_cursor(cursor: str) -> None:
    from skykeep.providers.local.reading import _decode_cursor, _encode_cursor

    try:
        key = _decode_cursor(cursor, KEYS)
    except Invalid:
        return
    assert len(key) == 16
    assert _encode_cursor(key, KEYS) == cursor


@given(st.binary(min_size=16, max_size=16))
def test_each_cursor_comes_back_under_the_same_keys_only(key: bytes) -> None:
    from skykeep.providers.local.reading import _decode_cursor, _encode_cursor

    assert _decode_cursor(_encode_cursor(key, KEYS), KEYS) == key
    with pytest.raises(Invalid):
        _decode_cursor(_encode_cursor(key, KEYS), VaultKeys(bytes(31) + b"1", bytes(16)))


@pytest.mark.asyncio
@pytest.mark.parametrize("prefix", ["", "db"])
async def test_a_listing_goes_on_when_its_last_name_was_purged(
    tmp_path: Path, prefix: str
) -> None:
    names = {f"db/{number}" for number in range(10)}
    async with made(tmp_path).opened() as driver:
        for name in sorted(names):
            await keep(driver, name, b"value")
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await driver.list(prefix, cursor=cursor, limit=3)
            seen += [info.name for info in page.items]
            cursor = page.cursor
            if cursor is None:
                break
            await driver.purge(seen[-1])
        assert sorted(seen) == sorted(names)
        # A cursor that stands behind everything that is left.
        last = await driver.list(prefix, cursor=None, limit=1)
        for name in await listed(driver, prefix):
            await driver.purge(name)
        page = await driver.list(prefix, cursor=last.cursor, limit=3)
        assert (list(page.items), page.cursor) == ([], None)


# -- settings


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_keep_versions_has_limits(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        LocalSettings(backend="local", keep_versions=count)


@pytest.mark.parametrize(
    "prefix", ["team", "/", "a//", "../", "native:a/", "team a/", "a/./", "x" * 300 + "/"]
)
def test_a_prefix_is_whole_segments_of_a_name(prefix: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="segments"):
        msgspec.convert({"backend": "local", "secret_prefix": prefix}, LocalSettings)


def test_a_good_prefix() -> None:
    assert LocalSettings(backend="local", secret_prefix="team/a/").secret_prefix == "team/a/"
