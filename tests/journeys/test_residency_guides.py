"""The guides on residency and storage cost: examples run as printed, figures add up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skykeep import registry
from skykeep.cloud import Cloud
from skykeep.errors import Unavailable
from skykeep.providers.aws.s3 import lifecycle as s3
from skykeep.providers.azure.blob import rules as azure
from skykeep.providers.gcp.storage import lifecycle as gcs
from skykeep.providers.memory.secrets import MemorySecrets, share
from skykeep.settings.load import Flags, load
from skykeep.settings.model import Environment
from tests.peers.aws import ACCESS_KEY, SECRET_KEY
from tests.peers.peer import Server

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
RESIDENCY = (GUIDES / "residency.md").read_text(encoding="utf-8")
COST = (GUIDES / "storage-cost.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def loaded(text: str, directory: Path) -> Environment:
    path = directory / "skykeep.yaml"
    path.write_text(text, encoding="utf-8")
    return load(Flags(config=path), environ={}, settings_of=registry.settings_type)


def run(configuration: str, directory: Path, **environ: str) -> str:
    (directory / "skykeep.yaml").write_text(configuration, encoding="utf-8")
    (example,) = blocks(RESIDENCY, "python")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "SKYKEEP_HOME": str(directory), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_example_prints_what_the_guide_says(tmp_path: Path) -> None:
    assert [run(blocks(RESIDENCY, "yaml")[1], tmp_path)] == blocks(RESIDENCY, "text")


def test_the_example_on_another_store(tmp_path: Path, ministack: Server) -> None:
    """The line of the target is another one; the rest stays."""
    target = f"backend: aws, endpoint: '{ministack.address}', secret_prefix: guide/"
    configuration = blocks(RESIDENCY, "yaml")[1].replace("backend: memory", target)
    said = run(
        configuration,
        tmp_path,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
    )
    assert said.startswith("residency refuses 'patients/key' of the class 'patients': ")


@pytest.mark.asyncio
async def test_each_target_is_held_to_it(tmp_path: Path) -> None:
    """What the guide says of several targets, with its own configuration."""
    stores = {name: MemorySecrets() for name in "abc"}
    for name, store in stores.items():
        share(name, store)
    given = loaded(blocks(RESIDENCY, "yaml")[2], tmp_path)
    async with Cloud(given, environ={"SKYKEEP_HOME": str(tmp_path)}) as cloud:
        for name in ("db/password", "public/banner"):
            await cloud.secrets.put(name, name)
        assert await cloud.replication.settle(10) == {}
        held = [[name async for name in names(store)] for store in stores.values()]
        assert held[0] == held[2] == ["db/password", "public/banner", "skykeep/digest-key"]
        assert held[1] == ["public/banner"]
        assert (await cloud.health()).status == "ok"

        stores["a"].fail_next(Unavailable, times=1000)
        found = (await cloud.secrets.get("public/banner", fresh=True)).provenance
        assert found is not None
        assert found.source == "failover (memory)"
        with pytest.raises(Unavailable) as refused:
            await cloud.secrets.get("db/password", fresh=True)
        assert "failover (memory): Denied" in str(refused.value)
        asked = await cloud.at("backup").secrets.get("db/password")
        assert asked.value.text() == "db/password"


async def names(store: MemorySecrets) -> AsyncIterator[str]:
    """All that a store holds, past the rules."""
    for info in (await MemorySecrets(store=store.store).list("", cursor=None, limit=100)).items:
        yield info.name


def test_configurations_load(tmp_path: Path) -> None:
    found = loaded(blocks(RESIDENCY, "yaml")[0], tmp_path).residency
    assert found.strict
    assert [each.prefix for each in found.classes] == ["patients", "public"]
    (text,) = blocks(COST, "yaml")
    scans, everything = loaded(text, tmp_path).object_storage.lifecycle
    assert (scans.infrequent_after_days, scans.archive_after_days) == (30, 90)
    assert (everything.prefix, everything.abort_uploads_after_days) == ("", 7)


def table(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the first table after the heading, by their first cell."""
    rows = text.split(heading, 1)[1].split("\n\n")
    body = next(part for part in rows if part.startswith("| |"))
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()
    ]
    return {first: rest for first, *rest in cells[2:]}


def test_limits_are_those_of_the_drivers() -> None:
    rows = table(COST, "## What 30 and 90 days mean")
    classes = rows["`infrequent_after_days: 30`"], rows["`archive_after_days: 90`"]
    assert [classes[0][0], classes[1][0].split()[0]] == [s3.INFREQUENT, s3.ARCHIVE]
    assert [classes[0][1], classes[1][1]] == [gcs.INFREQUENT, gcs.ARCHIVE]
    assert rows["least days before `infrequent`"][0] == str(s3.LEAST_INFREQUENT)
    assert rows["least days from `infrequent` to `archive`"][0] == str(s3.LEAST_BETWEEN)
    most = [int(re.sub(r"[^0-9].*", "", cell.replace(",", ""))) for cell in rows["rules"]]
    assert most == [s3.MAX_RULES, gcs.MAX_RULES, azure.MAX_RULES]


def test_the_sums_are_right() -> None:
    prices = table(COST, "## What it saves")
    classes = [prices[name] for name in ("as it is written", "infrequent", "archive")]
    sums = table(COST, "100 GB of results a month")
    for store in range(3):
        written, infrequent, archived = (float(each[store]) for each in classes)
        assert sums["all as it was written, a month"][store] == f"${1200 * written:.2f}"
        kept = 100 * written + 200 * infrequent + 900 * archived
        assert sums["1 month so, 2 infrequent, 9 archived"][store] == f"${kept:.2f}"


@pytest.mark.parametrize("text", [RESIDENCY, COST], ids=["residency", "storage-cost"])
def test_links_lead_somewhere(text: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (GUIDES / link).exists(), link
