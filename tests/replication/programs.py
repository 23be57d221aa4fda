"""Runs a program of this folder in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.faults.programs import ROOT
from tests.repo.tree import unmeasured


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """``tests.replication/PROGRAM.py``, running; see ``tests.faults.programs``."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.replication.{program}", *map(str, arguments)],
        cwd=ROOT,
        env=unmeasured(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
