"""Eight processes write to one vault at the same time, others read it meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from tests.faults import programs
from tests.faults.many_writers import COUNTER, own_names
from tests.faults.values import number_of
from tests.providers.local.vaults import Place, keep, listed, made, read

WRITERS = 8
WRITES = 1000


@pytest.mark.slow
def test_8_writers_of_1000_writes_lose_none(tmp_path: Path) -> None:
    place = made(tmp_path / "vault")

    async def prepare() -> None:
        async with place.opened() as driver:
            await keep(driver, COUNTER, b"0")

    asyncio.run(prepare())
    readers = [programs.start("many_writers", place.directory, "read") for _ in range(2)]
    writers = [
        programs.start("many_writers", place.directory, "write", number, WRITES)
        for number in range(WRITERS)
    ]
    told = [programs.report(writer) for writer in writers]
    looked = [programs.report(reader, "enough\n") for reader in readers]
    assert all(cast("int", answer["reads"]) > 100 for answer in looked)

    assert sum(cast("int", answer["lost"]) for answer in told) > 0, "nobody was in the way"
    asyncio.run(check_all(place, told, WRITES))


async def check_all(place: Place, told: list[dict[str, object]], writes: int) -> None:
    """The vault has exactly what its writers were told that it keeps."""
    bumped = [version for answer in told for version in cast("list[str]", answer["bumped"])]
    assert len(bumped) == len(set(bumped)) == len(told) * writes // 10
    async with place.opened() as driver:
        assert int(await read(driver, COUNTER)) == len(bumped)
        for number, answer in enumerate(told):
            versions = cast("dict[str, list[str]]", answer["versions"])
            assert sorted(versions) == sorted(own_names(number))
            assert sum(map(len, versions.values())) == writes - writes // 10
            for own, name in enumerate(own_names(number)):
                kept = [version.id for version in await driver.versions(name)]
                assert kept[::-1] == versions[name]
                assert len(set(kept)) == len(kept)
                last = max(
                    count
                    for count in range(own, writes, len(own_names(number)))
                    if count % 10 != 9
                )
                assert number_of(name, await read(driver, name)) == last
            assert sorted(await listed(driver, f"writer-{number}")) == sorted(versions)
