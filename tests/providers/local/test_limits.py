"""Names and values at their limits and beyond: refused before the vault is touched."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import Invalid
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue
from skykeep.interfaces.secrets import Secrets
from tests.providers.local.vaults import Place, change, keep, listed, made, read

BAD_NAMES = [
    "",
    "/",
    "/db",
    "db/",
    "db//password",
    ".",
    "..",
    "../vault.db",
    "db/../../etc/passwd",
    "db/./password",
    "db\x00password",
    "db\npassword",
    "db\x1b[31m",
    "db password",
    "pässword",
    "日本",
    "password\u2028",
    "\ud800",
    "db/\udfff",
    "n" * 256,
    "n" * 10_240,
    "n/" * 5_120 + "n",
    "native:",
    "native:\x00",
    "native:line\nline",
    "native:\x7f",
    "native:\x85",
    "native:\ud800",
    "native:" + "n" * 1025,
    "native:" + "ü" * 513,
]

Use = Callable[[Secrets, str], Awaitable[object]]
USES: dict[str, Use] = {
    "get": lambda secrets, name: secrets.get(name),
    "get_many": lambda secrets, name: secrets.get_many([name]),
    "describe": lambda secrets, name: secrets.describe(name),
    "versions": lambda secrets, name: secrets.versions(name),
    "put": lambda secrets, name: secrets.put(name, b"value"),
    "create": lambda secrets, name: secrets.create(name, b"value"),
    "update": lambda secrets, name: secrets.update(name, b"value"),
    "annotate": lambda secrets, name: secrets.annotate(name, tags={}),
    "promote": lambda secrets, name: secrets.promote(name, "1"),
    "delete": lambda secrets, name: secrets.delete(name),
    "restore": lambda secrets, name: secrets.restore(name),
    "purge": lambda secrets, name: secrets.purge(name),
}


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def cloud_of(place: Place, scope: str | None = None) -> skykeep.Cloud:
    """A cloud on the place's vault, whether it is there or not."""
    file = place.directory / "skykeep.yaml"
    file.write_text(
        "production:\n  primary:\n    backend: local\n"
        f"    path: {place.path}\n    key_file: {place.key_path}\n"
    )
    environ = {"SKYKEEP_HOME": str(place.directory / "home")}
    return skykeep.open(env="production", config=file, environ=environ, namespace=scope)


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", USES)
async def test_bad_names_are_refused_before_any_file_is_touched(
    tmp_path: Path, operation: str
) -> None:
    place = Place(tmp_path)  # no vault: to look for one would be a ConfigError
    async with cloud_of(place) as cloud:
        for name in BAD_NAMES:
            with pytest.raises(Invalid) as caught:
                await USES[operation](cloud.secrets, name)
            assert len(str(caught.value)) < 400
            assert str(caught.value).isprintable(), "control characters in a message"
    assert files(tmp_path) == ["skykeep.yaml"]


@pytest.mark.asyncio
async def test_bad_prefixes(tmp_path: Path) -> None:
    async with cloud_of(Place(tmp_path)) as cloud:
        for prefix in BAD_NAMES:
            if prefix.removesuffix("/") in {"", "db"}:
                continue  # a closing slash is allowed, and nothing is everything
            with pytest.raises(Invalid):
                async for _ in cloud.secrets.list(prefix):
                    pass


@pytest.mark.asyncio
async def test_names_at_their_limits(tmp_path: Path) -> None:
    names = [
        "n",
        "n" * 255,
        "/".join("n" * 128),
        "...",
        "a/..b/...",
        "native: spaces and ünïcødé 日本 😀",
        "native:../../etc/passwd",
        "native:/",
        "native:native:x",
        "native:" + "n" * 1024,
    ]
    place = made(tmp_path)
    async with place.opened() as driver:
        for name in names:
            await keep(driver, name, name.encode())
        for name in names:
            assert await read(driver, name) == name.encode()
        assert sorted(await listed(driver)) == sorted(names)
        for name in names:
            await driver.purge(name)
        assert await listed(driver) == []
    assert files(tmp_path) == ["vault.db", "vault.key", place.counter_path.name]


@pytest.mark.asyncio
async def test_an_empty_value(tmp_path: Path) -> None:
    async with made(tmp_path).opened() as driver:
        await keep(driver, "empty", b"")
        assert await read(driver, "empty") == b""
        await change(driver, "empty", b"no longer")
        await change(driver, "empty", b"")
        assert await read(driver, "empty") == b""
        assert [version.size for version in await driver.versions("empty")] == [0, 9, 0]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_largest_value_and_one_byte_more(tmp_path: Path) -> None:
    place = made(tmp_path)
    largest = os.urandom(MAX_VALUE_BYTES)
    async with cloud_of(place) as cloud:
        await cloud.secrets.put("largest", largest)
        assert (await cloud.secrets.get("largest")).value.reveal() == largest
        assert (await cloud.secrets.get("largest", version="1")).value.reveal() == largest
    before = place.path.read_bytes()
    async with cloud_of(place) as cloud:
        assert (await cloud.secrets.get("largest")).value.reveal() == largest
        for name in ("largest", "new"):
            with pytest.raises(Invalid, match="at most"):
                await cloud.secrets.put(name, largest + b"x")
        assert [info.name async for info in cloud.secrets.list()] == ["largest"]
    assert place.path.read_bytes() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("around", [256 * 1024, 4096 * 20])
async def test_values_around_where_reading_changes(tmp_path: Path, around: int) -> None:
    async with made(tmp_path).opened() as driver:
        for size in (around - 30, around - 1, around, around + 1, around + 30):
            value = os.urandom(size)
            await keep(driver, f"size-{size}", value)
            assert await read(driver, f"size-{size}") == value
            at = await driver.get(f"size-{size}", version="1")
            assert at.value == SecretValue(value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "value", [b"\x00", b"line\n", b"\r\n", "ü".encode("latin-1"), bytes(range(256)) * 3]
)
async def test_awkward_values_come_back_byte_for_byte(tmp_path: Path, value: bytes) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "name", value)
        assert await read(driver, "name") == value
    async with place.opened() as driver:
        assert await read(driver, "name") == value
