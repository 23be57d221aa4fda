"""The in-memory driver beyond the contract: sharing, prefixes, settings, registry."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from skykeep import registry
from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory import PROVIDER
from skykeep.providers.memory.secrets import (
    EVERYTHING,
    MemorySecrets,
    open_secrets,
    share,
)
from skykeep.providers.memory.settings import MemorySettings
from skykeep.providers.memory.store import MemoryStore

NOTHING = Attributes()
CONTEXT = OpenContext(target="memory", environ=os.environ, data_dir=lambda: NotImplemented)


@pytest.fixture
def store() -> Iterator[str]:
    """The name of a shared store that ends with the test."""
    name = f"test-{uuid.uuid4()}"
    yield name
    share(name, None)


async def _names(driver: MemorySecrets, prefix: str = "") -> list[str]:
    page = await driver.list(prefix, cursor=None, limit=100)
    return [item.name for item in page.items]


def test_it_is_found_by_its_name() -> None:
    assert registry.provider("memory") is PROVIDER
    assert registry.settings_type("memory") is MemorySettings
    assert registry.load(PROVIDER.drivers["secrets"]) is open_secrets
    assert PROVIDER.embedded


def test_its_settings_refuse_what_they_do_not_know() -> None:
    found = msgspec.convert(
        {"backend": "memory", "store": "s", "secret_prefix": "app/"}, MemorySettings
    )
    assert (found.store, found.secret_prefix) == ("s", "app/")
    with pytest.raises(msgspec.ValidationError, match="region_name"):
        msgspec.convert({"backend": "memory", "region_name": "x"}, MemorySettings)


@pytest.mark.asyncio
async def test_targets_have_a_store_each_unless_they_share_one(store: str) -> None:
    alone = MemorySettings(backend="memory")
    assert await open_secrets(alone, CONTEXT) is not await open_secrets(alone, CONTEXT)
    shared = MemorySettings(backend="memory", store=store)
    driver = await open_secrets(shared, CONTEXT)
    assert await open_secrets(shared, CONTEXT) is driver
    given = MemorySecrets(capabilities=replace(EVERYTHING, tags=False))
    share(store, given)
    assert await open_secrets(shared, CONTEXT) is given
    share(store, None)
    assert await open_secrets(shared, CONTEXT) is not given


@pytest.mark.asyncio
async def test_targets_that_share_a_store_keep_their_prefixes(store: str) -> None:
    whole, team = [
        await open_secrets(
            MemorySettings(backend="memory", store=store, secret_prefix=prefix), CONTEXT
        )
        for prefix in (None, "team/")
    ]
    await team.create("a", SecretValue("1"), NOTHING)
    await whole.create("b", SecretValue("2"), NOTHING)
    assert await _names(whole) == ["b", "team/a"]
    assert await _names(team) == ["a"]
    assert (await whole.get("team/a")).value.text() == "1"
    with pytest.raises(NotFound):
        await team.get("b")


@pytest.mark.asyncio
async def test_a_prefix_is_put_before_names_but_not_before_native_ones() -> None:
    store = MemoryStore()
    driver = MemorySecrets(store=store, prefix="app-")
    plain = MemorySecrets(store=store)
    for name in ("a", "a/b", "native:theirs"):
        await driver.create(name, SecretValue(name), NOTHING)
    assert await _names(plain) == ["app-a", "app-a/b", "native:theirs"]
    assert await _names(driver) == ["a", "a/b"]
    assert await _names(driver, "a") == ["a/b"]
    assert (await driver.get("native:theirs")).name == "native:theirs"


@pytest.mark.asyncio
async def test_a_prefix_and_folded_names() -> None:
    driver = MemorySecrets(
        prefix="App/", capabilities=replace(EVERYTHING, case_sensitive=False)
    )
    await driver.create("Db/Password", SecretValue("1"), NOTHING)
    assert await _names(driver) == await _names(driver, "dB") == ["Db/Password"]
    assert (await driver.get("DB/PASSWORD")).name == "Db/Password"


@pytest.mark.asyncio
async def test_a_cursor_is_good_for_its_own_listing_only() -> None:
    driver = MemorySecrets()
    for name in ("a/1", "a/2", "b/1", "b/2"):
        await driver.create(name, SecretValue(name), NOTHING)
    cursor = (await driver.list("a", cursor=None, limit=1)).cursor
    assert cursor is not None
    assert [item.name for item in (await driver.list("a", cursor=cursor, limit=1)).items] == [
        "a/2"
    ]
    for prefix, deleted in (("b", False), ("", False), ("a", True)):
        with pytest.raises(Invalid):
            await driver.list(prefix, cursor=cursor, limit=1, deleted=deleted)


def test_it_serves_one_loop_after_another() -> None:
    driver = MemorySecrets()
    driver.latency = 0.001
    asyncio.run(driver.create("a", SecretValue("1"), NOTHING))
    assert asyncio.run(driver.get("a")).value.text() == "1"


@pytest.mark.asyncio
async def test_version_ids_count_and_begin_anew_after_a_purge() -> None:
    driver = MemorySecrets()
    assert (await driver.create("a", SecretValue("1"), NOTHING)).version == "1"
    assert (await driver.update("a", SecretValue("2"), NOTHING)).version == "2"
    await driver.purge("a")
    assert (await driver.create("a", SecretValue("3"), NOTHING)).version == "1"
    assert len(driver.store) == 1
