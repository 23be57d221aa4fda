"""Several processes and one cache; processes that are killed at every step; no room."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.rig import MIB
from tests.repo.tree import ROOT

PULLER = """
import asyncio, json, sys
from pathlib import Path
from tests.models.killed import models

async def main(root):
    store, driver = models(Path(root))
    print("ready", flush=True)
    sys.stdin.read()
    model = await store.fetch("m")
    print(json.dumps([model.downloaded, str(model.path), model.path.stat().st_size]))
    await driver.close()

asyncio.run(main(sys.argv[1]))
"""
SIZE = 20 * MIB


def pushed(root: Path) -> None:
    path = root / "m.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
    run("""
        import asyncio, sys
        from pathlib import Path
        from tests.models.killed import models

        async def main(root):
            store, driver = models(root)
            await store.push("m", "1", root / "m.bin")
            await driver.close()

        asyncio.run(main(Path(sys.argv[1])))
        """, str(root))  # fmt: skip


def run(program: str, *arguments: str) -> str:
    import textwrap

    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_eight_processes_download_once(tmp_path: Path) -> None:
    pushed(tmp_path)
    pullers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PULLER, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for each in pullers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in pullers:  # all of them at once
        assert each.stdin is not None
        each.stdin.close()
    found = []
    for each in pullers:
        assert each.stdout is not None
        found.append(json.loads(each.stdout.read()))
        each.stdout.close()
        assert each.wait() == 0
    assert sorted(one[0] for one in found) == [0] * 7 + [SIZE]
    assert {(path, size) for _, path, size in found} == {(found[0][1], SIZE)}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["pull", "push", "gc"])
def test_a_process_that_is_killed_at_any_step_harms_nobody(
    tmp_path: Path, scenario: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.models.killed", scenario, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    steps = {"pull": 40, "push": 5, "gc": 20}
    assert int(ended.stdout) > steps[scenario]


def test_a_process_that_may_write_no_large_files(tmp_path: Path) -> None:
    pushed(tmp_path)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
    said = run(
        """
        import asyncio, os, resource, sys
        from pathlib import Path
        from skykeep.errors import Quota
        from tests.models.killed import models

        async def main(root):
            store, driver = models(root)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
            try:
                await store.pull("m")
            except Quota as error:
                print(error.message, os.listdir(root / "cache" / "parts"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            print((await store.pull("m")).stat().st_size)
            await driver.close()

        asyncio.run(main(Path(sys.argv[1])))
        """,
        str(tmp_path),
    )
    assert said == f"the cache of models cannot grow: File too large []\n{SIZE}\n"
