"""``kill -9`` in a sync: started again it does what is left, and nothing twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from skykeep import drift
from tests.drift import killed
from tests.repo.tree import ROOT, unmeasured

KILLS = (1, 57, 120)
"""So many are read back; up to 64 more are on their way each time, and some must be left."""


def test_a_killed_sync_is_gone_on_with(tmp_path: Path) -> None:
    killed.make(tmp_path)
    asyncio.run(killed.fill(tmp_path))
    for count in KILLS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.drift.killed", str(tmp_path), str(count)],
            cwd=ROOT,
            env=unmeasured(),
            check=False,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    asyncio.run(_resumed(tmp_path))


async def _resumed(directory: Path) -> None:
    a, b = killed.clouds(directory)
    async with a, b:
        plan = await drift.plan(a.secrets, b.secrets)
        assert sum(KILLS) <= plan.counts["same"] < killed.SECRETS
        assert plan.counts["same"] + len(plan.writes) == killed.SECRETS
        outcome = await drift.carry_out(plan, a.secrets, b.secrets)
        assert (outcome.written, outcome.failed, outcome.left) == ([*plan.writes], [], [])
        found = [each async for each in drift.compare(a.secrets, b.secrets)]
        assert {each.kind for each in found} == {drift.Kind.SAME}
        assert len(found) == killed.SECRETS
        for number in range(killed.SECRETS):
            versions = await b.secrets.versions(f"n/{number}")
            assert len(versions) == (1 if number % 10 else 2), "a value was written twice"
