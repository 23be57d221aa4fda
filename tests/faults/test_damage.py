"""A damaged vault says ``Corrupt`` or what it always said; and writing makes nothing worse."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.errors import Corrupt
from tests.faults.damage import (
    Known,
    elsewhere,
    flipped,
    hold,
    known,
    overwritten,
)
from tests.providers.local.vaults import keep, listed, made

SEED = int(os.environ.get("TEST_SEED", "20240607"))
PAGE = 4096


@pytest.fixture(autouse=True)
def _show_the_seed(record_property: Callable[[str, object], None]) -> None:
    record_property("seed", SEED)
    sys.stdout.write(f"TEST_SEED={SEED}\n")  # pytest shows it if the test fails


@pytest.fixture
def small(pristine: Known, tmp_path: Path) -> Known:
    return elsewhere(pristine, tmp_path / "damaged")


@pytest.mark.slow
@pytest.mark.asyncio
async def test_500_flipped_bits(small: Known) -> None:
    dice = random.Random(SEED)
    seen: Counter[str] = Counter()
    for _ in range(500):
        place, bit = dice.randrange(len(small.content)), dice.randrange(8)
        what = f"bit {bit} of byte {place} (page {place // PAGE + 1})"
        await hold(small, flipped(small.content, place, bit), what, seen)
    assert seen["noticed"] > 50, "the flips hardly hit anything that is read"
    assert seen["write refused"] > 0, "no flip hit what only a write looks at"
    assert seen.total() >= 500


@pytest.mark.slow
@pytest.mark.asyncio
async def test_200_places_overwritten(small: Known) -> None:
    dice = random.Random(SEED)
    seen: Counter[str] = Counter()
    for _ in range(200):
        place = dice.randrange(len(small.content))
        run = dice.randbytes(64)
        await hold(small, overwritten(small.content, place, run), f"64 bytes at {place}", seen)
    assert seen["noticed"] > 50


@pytest.mark.asyncio
async def test_each_page_zeroed_or_exchanged_for_its_neighbour(small: Known) -> None:
    seen: Counter[str] = Counter()
    pages = len(small.content) // PAGE
    for page in range(pages):
        zeroed = overwritten(small.content, page * PAGE, bytes(PAGE))
        await hold(small, zeroed, f"page {page + 1} of zeros", seen)
        other = (page + 1) % pages * PAGE
        copied = overwritten(small.content, page * PAGE, small.content[other : other + PAGE])
        await hold(small, copied, f"page {page + 1} replaced by the next", seen)
    assert seen["noticed"] > pages


@pytest.mark.asyncio
async def test_truncated_anywhere(small: Known) -> None:
    dice = random.Random(SEED)
    seen: Counter[str] = Counter()
    ends = [*range(0, len(small.content), PAGE), *range(1, 100, 9)]
    ends += [dice.randrange(len(small.content)) for _ in range(100)]
    for end in ends:
        await hold(small, small.content[:end], f"truncated to {end} bytes", seen)
    assert seen["noticed"] == len(ends), "a truncated file was taken for a whole one"


@pytest.mark.asyncio
async def test_something_appended(small: Known) -> None:
    seen: Counter[str] = Counter()
    for more in (b"\x00", b"more", bytes(PAGE), random.Random(SEED).randbytes(3 * PAGE)):
        await hold(small, small.content + more, f"{len(more)} bytes appended", seen)
    assert seen["noticed"] == 4


@pytest.mark.slow
@pytest.mark.asyncio
async def test_fewer_pages_than_there_are_in_the_header(small: Known) -> None:
    # SQLite believes it, and would write new pages over those that it does not know of.
    seen: Counter[str] = Counter()
    pages = len(small.content) // PAGE
    for count in range(1, pages):
        damaged = overwritten(small.content, 28, count.to_bytes(4, "big"))
        await hold(small, damaged, f"{count} of {pages} pages", seen)
    assert seen["noticed"] == pages - 1


@pytest.mark.asyncio
async def test_free_pages_that_are_not_free(small: Known) -> None:
    # No read looks at the list of free pages. A write would take one and put its own there.
    tables = small.tables()
    first = int.from_bytes(small.content[32:36], "big")
    assert first > 0, "the vault has no free page"
    seen: Counter[str] = Counter()
    for name in ("secret", "version", "path", "directory", "header"):
        for page in tables[name]:
            taken = page.to_bytes(4, "big")
            leaf = (first - 1) * PAGE + 8  # the first free page that the list names
            for at, what in ((32, "the list begins"), (leaf, "the list goes on")):
                damaged = overwritten(small.content, at, taken)
                await hold(small, damaged, f"{what} with page {page} of {name}", seen)
    assert seen["noticed"] == 0
    assert seen["write done"] == 0
    assert seen["write refused"] > 10


@pytest.mark.asyncio
async def test_rows_that_are_not_in_their_order(small: Known) -> None:
    # A write would put its own rows between those of another prefix.
    small.put_back()
    with closing(sqlite3.connect(small.place.path)) as connection:
        rows = connection.execute("SELECT prefix, name_key FROM path ORDER BY 1, 2").fetchall()
    small.put_back()
    seen: Counter[str] = Counter()
    for row, other in (
        (rows[0], b"\xff"),
        (rows[-1], b"\x00"),
        (rows[len(rows) // 2], b"\x00"),
    ):
        at = small.content.index(row[0] + row[1])
        await hold(small, overwritten(small.content, at, other * 16), "another order", seen)
    assert (seen["write refused"], seen["write done"]) == (3, 0)


@pytest.mark.asyncio
async def test_a_page_of_a_listing_that_begins_where_a_name_was_purged(
    tmp_path: Path,
) -> None:
    place = made(tmp_path / "vault")
    names = [f"db/{number}" for number in range(12)]
    async with place.opened() as driver:
        for name in names:
            await keep(driver, name, b"value")
        page = await driver.list("db", cursor=None, limit=3)
        cursor = page.cursor
        order = await listed(driver, "db")
        await driver.purge(order[2])
        keys = [driver._keys.now.keys.name_key(name) for name in order]
        prefix = driver._keys.now.keys.prefix_key("db")
        whole = await driver.list("db", cursor=cursor, limit=3)
        assert [info.name for info in whole.items] == order[3:6]
    content = place.path.read_bytes()
    noticed = 0
    for key in keys[3:]:
        assert content.count(prefix + key) == 1
        at = content.index(prefix + key) + len(prefix)
        for other in (bytes(16), b"\xff" * 16):
            place.path.write_bytes(overwritten(content, at, other))
            async with place.opened() as driver:
                try:
                    seen = []
                    following = cursor
                    while following:
                        page = await driver.list("db", cursor=following, limit=3)
                        seen += [info.name for info in page.items]
                        following = page.cursor
                except Corrupt:
                    noticed += 1
                else:
                    assert seen == order[3:], f"{key.hex()} made {other.hex()}"
    assert noticed > 0


@pytest.mark.slow
@pytest.mark.asyncio
async def test_every_byte_of_the_listing_pages(small: Known) -> None:
    # What says which names are under a prefix is not sealed row by row: each of its bytes.
    seen: Counter[str] = Counter()
    tables = small.tables()
    for page in tables["path"]:
        for place in range((page - 1) * PAGE, page * PAGE):
            if small.content[place]:
                damaged = flipped(small.content, place, place % 8)
                await hold(small, damaged, f"bit {place % 8} of byte {place}", seen)
    assert seen["noticed"] > 50


@pytest.mark.slow
@pytest.mark.asyncio
async def test_300_flipped_bits_in_a_vault_of_many_pages(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    place = made(tmp_path / "many")
    names = [f"group-{number % 3}/name-{number}" for number in range(400)]
    async with place.opened() as driver:
        for name in names:
            await keep(driver, name, dice.randbytes(dice.randrange(10, 400)))
    many = await known(place, names, ["", "group-0", "group-1", "group-2"], page=90)
    tables = many.tables()
    assert len(tables["secret"]) > 10
    assert len(tables["version"]) > 10
    assert len(tables["path"]) > 2
    seen: Counter[str] = Counter()
    roots = [
        pages[0] for name, pages in tables.items() if name in {"secret", "version", "path"}
    ]
    leaves = [page for name in tables for page in tables[name]]
    for number in range(300):
        page = dice.choice(roots if number % 3 == 0 else leaves)
        # Roots are short: most of an interior page is empty.
        offset = dice.randrange(200) if number % 6 == 0 else dice.randrange(PAGE)
        at = (page - 1) * PAGE + offset
        bit = dice.randrange(8)
        what = f"bit {bit} of byte {at} (page {page})"
        await hold(many, flipped(many.content, at, bit), what, seen)
    assert seen["noticed"] > 50
