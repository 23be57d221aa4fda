"""The fixtures that users get with the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import skykeep
from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.interfaces.secret_driver import Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets


@pytest.mark.asyncio
async def test_the_driver_is_empty_and_works(skykeep_memory: MemorySecrets) -> None:
    assert (await skykeep_memory.list("", cursor=None, limit=10)).items == []
    await skykeep_memory.create("a", SecretValue("1"), Attributes())
    assert (await skykeep_memory.get("a")).value.text() == "1"


@pytest.mark.asyncio
async def test_the_cloud_answers_from_the_driver(
    skykeep_cloud: Cloud, skykeep_memory: MemorySecrets
) -> None:
    written = await skykeep_cloud.secrets.put("db/password", "s3cret")
    assert written == Written("1")
    assert (await skykeep_memory.get("db/password")).value.text() == "s3cret"
    await skykeep_memory.update("db/password", SecretValue("changed"), Attributes())
    assert (await skykeep_cloud.secrets.get("db/password")).value.text() == "changed"
    assert skykeep_memory.calls["get"] == 2


@pytest.mark.asyncio
async def test_planted_faults_reach_the_application(
    skykeep_cloud: Cloud, skykeep_memory: MemorySecrets
) -> None:
    await skykeep_cloud.secrets.put("a", "1")
    skykeep_memory.fail_next(skykeep.Denied("no right to read"), operation="get")
    with pytest.raises(skykeep.Denied, match="no right to read"):
        await skykeep_cloud.secrets.get("a")
    skykeep_memory.fail_next(skykeep.Unavailable, times=2)
    assert (await skykeep_cloud.secrets.get("a")).value.text() == "1", "tried again"
    skykeep_memory.fail_next(skykeep.Unavailable, times=100)
    with pytest.raises(skykeep.Unavailable):
        await skykeep_cloud.secrets.get("a")


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.asyncio
async def test_each_test_has_a_store_of_its_own(skykeep_cloud: Cloud, turn: int) -> None:
    assert [item async for item in skykeep_cloud.secrets.list()] == []
    await skykeep_cloud.secrets.put("left/behind", str(turn))


def test_the_blocking_cloud_answers_from_the_driver(
    skykeep_blocking_cloud: BlockingCloud, skykeep_memory: MemorySecrets
) -> None:
    skykeep_blocking_cloud.secrets.put("db/password", "s3cret")
    assert skykeep_blocking_cloud.secrets.get("db/password").value.text() == "s3cret"
    assert skykeep_memory.calls["get"] == 1
    skykeep_memory.fail_next(skykeep.NotFound("planted"))
    with pytest.raises(skykeep.NotFound, match="planted"):
        skykeep_blocking_cloud.secrets.get("db/password")


@pytest.mark.asyncio
async def test_the_memory_backend_opens_by_name() -> None:
    async with skykeep.open(backend="memory", environ={}) as cloud:
        await cloud.secrets.put("a", "1")
        assert (await cloud.secrets.get("a")).value.text() == "1"


@pytest.mark.parametrize("plugin", ["with", "without"])
def test_the_plugin_loads_nothing_before_it_is_asked(tmp_path: Path, plugin: str) -> None:
    """Also where pytest-asyncio is not there: then there is no asynchronous fixture."""
    (tmp_path / "test_user.py").write_text(
        "import sys\n"
        "def test_imports():\n"
        "    assert 'skykeep.conformance.plugin' in sys.modules\n"
        "    loaded = [m for m in sys.modules if m.startswith('skykeep.')]\n"
        "    assert sorted(loaded) == ['skykeep.conformance', 'skykeep.conformance.plugin']\n"
        "    assert 'msgspec' not in sys.modules\n"
        "def test_blocking(skykeep_blocking_cloud):\n"
        "    skykeep_blocking_cloud.secrets.put('a', '1')\n"
        "    assert skykeep_blocking_cloud.secrets.get('a').value.text() == '1'\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    if plugin == "with":
        command += ["-o", "asyncio_default_fixture_loop_scope=function"]
    else:
        command += ["-p", "no:asyncio"]
    ended = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    listed = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", str(tmp_path), "--fixtures", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("skykeep_cloud" in listed.stdout) is (plugin == "with")
    assert "skykeep_memory" in listed.stdout
