"""What the cases about objects are made of: bodies, uploads, snapshots, checksums."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import pytest

from skykeep.conformance.cases import CANARY, refused, shows_canary
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import SkykeepError, Unsupported
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)

UNKNOWN_ETAG: Final = '"an-etag-of-nobody"'
ABSENT: Final = Condition(if_absent=True)
AT_ONCE: Final = 8

T = TypeVar("T")


def body(text: str | bytes = b"", size: int | None = None) -> bytes:
    """A body with the canary in it; of ``size`` bytes, which no period divides."""
    data = CANARY + b" " + (text.encode() if isinstance(text, str) else text)
    if size is None:
        return data
    pattern = bytes((i * 131 + 17) % 251 for i in range(251))
    return (data + pattern * (size // 251 + 1))[:size]


async def put(
    driver: ObjectDriver,
    store: ObjectsHarness,
    key: str,
    data: bytes,
) -> None:
    """Keep an object, through the driver if it can write, else by the harness."""
    if driver.capabilities.write:
        await driver.write(key, data)
    else:
        await store.fill(key, data)


async def plant(driver: ObjectDriver, *keys: str) -> None:
    """Keep an object under each key, a few at once; its body tells the key."""
    for at in range(0, len(keys), 32):
        await asyncio.gather(*(driver.write(key, body(key)) for key in keys[at : at + 32]))


async def upload(
    driver: ObjectDriver,
    key: str,
    *parts: bytes,
    attributes: ObjectAttributes = NO_ATTRIBUTES,
    condition: Condition = ALWAYS,
) -> ObjectInfo:
    """An object put together from these parts."""
    try:
        id_ = await driver.begin_upload(key, attributes)
        tokens = [
            await driver.write_part(key, id_, number + 1, parts[number])
            for number in range(len(parts))
        ]
        return await driver.complete_upload(key, id_, tokens, condition)
    finally:
        del parts  # the frames that are looked at begin here


def part_bytes(driver: ObjectDriver, store: ObjectsHarness) -> int:
    """The size of a part in cases of parts; skips where three are more than may be written."""
    size = max(driver.capabilities.min_part_bytes, 64)
    if size > driver.capabilities.max_part_bytes or 3 * size > store.largest:
        pytest.skip(f"parts of {size:,} bytes are not to be written here")
    return size


@dataclass(frozen=True)
class Snapshot:
    """All that a driver shows of one key; two are equal if nothing changed."""

    info: ObjectInfo | str
    data: bytes | str
    tags: tuple[tuple[str, str], ...] | str


async def observe(driver: ObjectDriver, key: str) -> Snapshot:
    """What the driver shows of the key now; errors are kept by the name of their class."""
    info: ObjectInfo | str
    data: bytes | str
    tags: tuple[tuple[str, str], ...] | str = ()
    try:
        info = await driver.head(key)
    except SkykeepError as error:
        info = type(error).__name__
    try:
        data = (await driver.read(key)).data
    except SkykeepError as error:
        data = type(error).__name__
    if driver.capabilities.tags:
        try:
            tags = tuple(sorted((await driver.tags(key)).items()))
        except SkykeepError as error:
            tags = type(error).__name__
    return Snapshot(info, data, tags)


class unchanged:  # noqa: N801, RUF100  (reads as a statement: "async with unchanged(…)")
    """Assert that what is shown of the keys is the same after the block as before."""

    def __init__(self, driver: ObjectDriver, *keys: str) -> None:
        self._driver = driver
        self._keys = keys
        self._before: list[Snapshot] = []

    async def __aenter__(self) -> None:
        self._before = [await observe(self._driver, key) for key in self._keys]

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            after = [await observe(self._driver, key) for key in self._keys]
            assert after == self._before, "what was refused must change nothing"


async def unsupported(driver: ObjectDriver, key: str, work: Awaitable[object]) -> None:
    """The work must be refused with ``Unsupported`` and the object stay as it was."""
    async with unchanged(driver, key):
        await refused(Unsupported, work)


async def listed(
    driver: ObjectDriver,
    prefix: str = "",
    *,
    limit: int = 100,
    delimiter: bool = False,
    step: Callable[[], Awaitable[None]] | None = None,
) -> tuple[list[ObjectInfo], list[str]]:
    """Objects and prefixes that a listing gives, page by page; ``step`` between the pages."""
    items: list[ObjectInfo] = []
    prefixes: list[str] = []
    cursor: str | None = None
    for _ in range(5000):
        page = await driver.list(prefix, cursor=cursor, limit=limit, delimiter=delimiter)
        found = len(page.items) + len(page.prefixes)
        assert found <= limit, f"a page of {found}, limit {limit}"
        items.extend(page.items)
        prefixes.extend(page.prefixes)
        if page.cursor is None:
            return items, prefixes
        assert page.cursor != cursor, "the listing does not move on"
        cursor = page.cursor
        if step is not None:
            await step()
    pytest.fail("the listing does not end")


async def keys_under(
    driver: ObjectDriver, prefix: str = "", *, limit: int = 100, delimiter: bool = False
) -> list[str]:
    """The keys that a listing gives, sorted: a store lists in its own order."""
    items, _ = await listed(driver, prefix, limit=limit, delimiter=delimiter)
    return sorted(item.key for item in items)


def by_bytes(keys: Iterable[str]) -> list[str]:
    """In the order of their UTF-8 bytes."""
    return sorted(keys, key=str.encode)


async def drivers_of(driver: ObjectDriver, store: ObjectsHarness) -> list[ObjectDriver]:
    """The driver, and another one over the same store if there can be one."""
    return [driver, await store.reopen()] if store.persistent else [driver]


async def outcome(work: Awaitable[T]) -> T | SkykeepError:
    """The answer or the error, which shows no body."""
    try:
        return await work
    except SkykeepError as error:
        told = error
    assert not shows_canary(f"{told} {told!r} {vars(told)!r}")
    return told


def kinds(outcomes: Sequence[object]) -> list[str]:
    """The names of the classes, sorted."""
    return sorted(type(each).__name__ for each in outcomes)


# -- checksums, as their definitions say, to hold what a store tells against


def checksum(algorithm: str, data: bytes) -> str:
    """The body's checksum, lower-case hexadecimal."""
    if algorithm == "sha256":
        return hashlib.sha256(data).hexdigest()
    if algorithm == "md5":
        return hashlib.md5(data, usedforsecurity=False).hexdigest()
    width, polynomial = _CRCS[algorithm]
    return f"{_crc(data, width, polynomial):0{width // 4}x}"


_CRCS: Final = {
    # RFC 3720 (iSCSI), section 12.1; and NVM Express's "64b CRC" of Rocksoft, both reflected.
    "crc32c": (32, 0x82F63B78),
    "crc64nvme": (64, 0x9A6C9329AC4BC9B5),
}


def _crc(data: bytes, width: int, polynomial: int) -> int:
    table = _table(polynomial)
    state = ones = (1 << width) - 1
    for byte in data:
        state = (state >> 8) ^ table[(state ^ byte) & 0xFF]
    return state ^ ones


@lru_cache
def _table(polynomial: int) -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))
