"""200 secrets go once around: six stores, the portable interface alone, nothing is lost."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from skykeep import Cloud
from tests.journeys.six_stores import ORDER, SixStores

COUNT = 200
AT_ONCE = 16


@dataclass(frozen=True)
class Kept:
    """What all six stores can hold of a secret."""

    value: bytes
    tags: dict[str, str]
    expires_at: datetime | None


def given() -> dict[str, Kept]:
    """Names that stores are likely to mix up; values up to what the smallest store holds."""
    dice = random.Random(5)
    marks = ("a/b", "a-b", "a_b", "a.b", "A/b", "a/B", "a--b", "a__b", ".a/b", "native/a-b")
    names = [*marks, *(f"app-{n % 7}/Db.{n}/pass_word" for n in range(COUNT - len(marks)))]
    sizes = (1, 2, 15, 16, 17, 255, 4096, 10_000, 18_000)
    kept = {}
    for number, name in enumerate(names):
        size = sizes[number % len(sizes)]
        binary = number % 2 == 0
        value = (
            dice.randbytes(size) if binary else ("pä✓ss\n" * size).encode()[: size - size % 9]
        )
        tags = {"team": f"team-{number % 5}", "stage": "blue"} if number % 3 else {}
        expires = (
            datetime(2031, 1, 1, 0, 0, number % 60, tzinfo=UTC) if number % 4 == 0 else None
        )
        kept[name] = Kept(value or b"\0", tags, expires)
    return kept


async def put(cloud: Cloud, secrets: dict[str, Kept]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, kept: Kept) -> None:
        async with gate:
            await cloud.secrets.put(
                name, kept.value, tags=kept.tags, expires_at=kept.expires_at
            )

    async with asyncio.TaskGroup() as group:
        for name, kept in secrets.items():
            group.create_task(one(name, kept))


async def taken(cloud: Cloud) -> dict[str, Kept]:
    """Everything that is there, found by listing."""
    infos = {info.name: info async for info in cloud.secrets.list()}
    values = await cloud.secrets.get_many(infos)
    return {
        name: Kept(
            values[name].value.reveal(),
            dict(info.tags),
            info.expires_at,
        )
        for name, info in infos.items()
    }


@pytest.mark.slow
@pytest.mark.asyncio
async def test_once_around_and_everything_is_there(stores: SixStores) -> None:
    before = given()
    assert len(before) == COUNT
    async with stores.open("aws") as start:
        await put(start, before)
    for here, there in pairwise((*ORDER, "aws")):
        async with stores.open(here) as source, stores.open(there) as destination:
            found = await taken(source)
            assert found == before, f"in {here}"
            for name in found:
                await source.secrets.purge(name)
            await put(destination, found)
    async with stores.open("aws") as end:
        assert await taken(end) == before
