"""Tags of the configuration are on every secret that is written, where the store has tags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import ConfigError
from skykeep.interfaces.secret_driver import KEEP
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.remote import remote

STANDING = {"Project": "shop", "CostCenter": "4711"}
pytestmark = pytest.mark.asyncio


async def test_they_are_there_from_the_beginning_and_stay() -> None:
    with remote(MemorySecrets(), tags=STANDING) as cloud:
        async with cloud:
            secrets = cloud.secrets
            await secrets.create("created", "v")
            await secrets.put("put", "v", tags={"team": "web", "Project": "other"})
            assert (await secrets.describe("created")).tags == STANDING
            assert (await secrets.describe("put")).tags == {
                "Project": "other",
                "CostCenter": "4711",
                "team": "web",
            }
            await secrets.annotate("put", tags={})
            assert (await secrets.describe("put")).tags == STANDING
            await secrets.update("created", "w", tags={"team": "web"})
            assert (await secrets.describe("created")).tags == STANDING | {"team": "web"}


async def test_what_others_made_gets_them_when_its_tags_are_written() -> None:
    driver = MemorySecrets()
    with remote(driver) as plain, remote(driver, tags=STANDING) as cloud:
        async with plain, cloud:
            await plain.secrets.put("made", "v", tags={"team": "web"})
            await cloud.secrets.put("made", "w")
            assert (await cloud.secrets.describe("made")).tags == {"team": "web"}
            await cloud.secrets.put("made", "w", tags={"team": "ops"})
            assert (await cloud.secrets.describe("made")).tags == STANDING | {"team": "ops"}


async def test_a_tombstone_that_is_purged_or_recovered() -> None:
    with remote(MemorySecrets(), tags=STANDING) as cloud:
        async with cloud:
            await cloud.secrets.put("made", "v", tags={"team": "web"})
            await cloud.secrets.delete("made")
            await cloud.secrets.put("made", "w", on_tombstone="recover")
            assert (await cloud.secrets.describe("made")).tags == STANDING | {"team": "web"}
            await cloud.secrets.delete("made")
            await cloud.secrets.put("made", "w", on_tombstone="purge")
            assert (await cloud.secrets.describe("made")).tags == STANDING


async def test_a_store_without_tags_is_given_none() -> None:
    lesser = MemorySecrets(capabilities=replace(EVERYTHING, tags=False))
    with remote(lesser, tags=STANDING) as cloud:
        async with cloud:
            await cloud.secrets.put("made", "v", tags=KEEP)
            assert (await cloud.secrets.describe("made")).tags == {}
            with pytest.raises(skykeep.errors.Unsupported):
                await cloud.secrets.put("made", "v", tags={"team": "web"})


async def test_the_file_says_them(tmp_path: Path) -> None:
    path = tmp_path / "skykeep.yaml"
    path.write_text(
        """
tags: {Project: shop, CostCenter: "4711"}
production:
  primary: {backend: memory}
  tags: {CostCenter: "1", Environment: production}
"""
    )
    async with skykeep.open(config=path, environ={}) as cloud:
        assert cloud.environment.tags == {
            "Project": "shop",
            "CostCenter": "1",
            "Environment": "production",
        }
    path.write_text('tags: {Project: "a\\nb"}\nproduction: {primary: {backend: memory}}')
    with pytest.raises(ConfigError, match=r"tags\.Project: the value of tags"):
        skykeep.open(config=path, environ={})
