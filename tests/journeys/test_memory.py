"""All six providers open in one process, each with its credentials, its SDK and a read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.six_stores import ORDER, SixStores

MEGABYTES = 150
SCRIPT = """
import asyncio, os, pathlib, sys
import skykeep

async def main():
    clouds = [skykeep.open(config=sys.argv[1], env=env) for env in sys.argv[2:]]
    for cloud in clouds:
        await cloud.__aenter__()
        assert (await cloud.secrets.get("a")).value.text() == "value"
    peak = next(
        line for line in pathlib.Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    print(int(peak.split()[1]) // 1024)
    for cloud in clouds:
        await cloud.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_six_stores_in_one_process(stores: SixStores) -> None:
    async def keep() -> None:
        for store in ORDER:
            async with stores.open(store) as cloud:
                await cloud.secrets.put("a", "value")

    asyncio.run(keep())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(stores.config), *ORDER],
        cwd=Path(stores.config).parent,
        env=dict(stores.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MEGABYTES
