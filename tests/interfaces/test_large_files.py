"""Files that are sent in parts are read in a thread of their own, part by part."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from skykeep.interfaces.object_sources import source_of

PART = 8 * 1024 * 1024


def readers() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("skykeep-read")]


@pytest.mark.asyncio
async def test_a_large_file_has_one_thread_which_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2 * PART + 1)
    source = source_of(path)
    assert readers() == []
    sizes = []
    while part := await source.next_part(PART):
        sizes.append(len(part))
        assert len(readers()) == 1
    assert sizes == [PART, PART, 1]
    left = [each for each in threading.enumerate() if each.name.startswith("skykeep-read")]
    await source.close()
    for each in left:
        each.join(20)
    assert readers() == []


@pytest.mark.asyncio
async def test_a_small_file_needs_none(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x" * PART)
    source = source_of(path)
    assert await source.next_part(PART + 1) == b"x" * PART
    assert readers() == []
    await source.close()
