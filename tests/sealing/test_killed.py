"""A process that is killed leaves nothing half done that anybody sees."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from skykeep.envelope.sealed_object import parse_header
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.vault import create
from tests.repo.tree import unmeasured
from tests.sealing.killed import BODY, cloud_in

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.asyncio


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    settings = LocalSettings(
        backend="local", path=str(tmp_path / "vault.db"), key_file=str(tmp_path / "vault.key")
    )
    create(settings, OpenContext("local", {}, lambda: tmp_path))
    return tmp_path


def killed(*arguments: object) -> None:
    """Run the program; it must have killed itself."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.sealing.killed", *map(str, arguments)],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


async def test_an_upload_that_is_killed_is_never_seen(directory: Path) -> None:
    async with cloud_in(directory) as cloud:
        await cloud.keys.create("main")
        await cloud.objects.put("o", b"before")

    killed("upload", directory)

    async with cloud_in(directory) as cloud:
        assert (await cloud.objects.get("o")).data == b"before"
        assert [info.key async for info in cloud.objects.list()] == ["o"]
        assert await cloud.objects.collect(older_than=timedelta()) == 1
        await cloud.objects.put("o", BODY)
        assert (await cloud.objects.get("o")).data == BODY


@pytest.mark.parametrize("count", [0, 2])
async def test_a_rewrap_that_is_killed_is_gone_on_with(directory: Path, count: int) -> None:
    async with cloud_in(directory) as cloud:
        await cloud.keys.create("main")
        for number in range(5):
            await cloud.objects.put(f"o/{number}", BODY[number:])
        await cloud.keys.rotate("main")

    killed("rewrap", directory, count)

    async with cloud_in(directory) as cloud:
        for number in range(5):
            assert (await cloud.objects.get(f"o/{number}")).data == BODY[number:]
        done = await cloud.rewrap(secrets=None)
        assert not done.objects.failed
        assert done.objects.moved + done.objects.newest == 5
        assert done.objects.newest >= count
        assert done.objects.moved >= 1
        for number in range(5):
            assert (await cloud.objects.get(f"o/{number}")).data == BODY[number:]
        assert (await cloud.rewrap(secrets=None)).objects.moved == 0
    files = (directory / "objects" / "o").iterdir()
    assert {parse_header(path.read_bytes()).key.version for path in files} == {"2"}
