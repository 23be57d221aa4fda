"""Directories of objects for tests: opened, looked into, held to what must be in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from skykeep.interfaces.object_driver import ObjectDriver, ObjectInfo
from skykeep.providers.local.objects.driver import LocalObjects


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[LocalObjects]:
    driver = LocalObjects(root)
    try:
        yield driver
    finally:
        await driver.close()


async def listed(driver: ObjectDriver, prefix: str = "") -> list[ObjectInfo]:
    found: list[ObjectInfo] = []
    cursor = None
    while True:
        page = await driver.list(prefix, cursor=cursor, limit=1000)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


async def keys(driver: ObjectDriver, prefix: str = "") -> list[str]:
    return [info.key for info in await listed(driver, prefix)]


def bodies(root: Path) -> list[str]:
    return sorted(_files(root) - {f".skykeep/{name}" for name in _files(root / ".skykeep")})


def kept_beside(root: Path) -> list[str]:
    return sorted(_files(root / ".skykeep" / "about"))


def left_over(root: Path) -> list[str]:
    """Drafts, what is left of uploads, and locks whose holder died in the middle."""
    own = root / ".skykeep"
    found = [*(own / "tmp").glob("*"), *(own / "uploads").glob("*")]
    found += [lock for lock in (own / "locks").glob("*") if lock.stat().st_size]
    return sorted(str(path.relative_to(own)) for path in found)


def check_tidy(root: Path) -> None:
    """As many small files as bodies of ours, and nothing half done."""
    assert left_over(root) == []
    assert len(kept_beside(root)) == len(bodies(root)), (bodies(root), kept_beside(root))


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
