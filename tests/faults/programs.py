"""Runs a program of this folder in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.repo.tree import unmeasured

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds after which a program is taken to hang; none needs a quarter of it."""


def command(program: str, *arguments: object) -> list[str]:
    """The command that runs ``tests/faults/PROGRAM.py``."""
    return [sys.executable, "-m", f"tests.faults.{program}", *map(str, arguments)]


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """The program, running; what it writes can be read.

    Not measured: what is killed, forked or gives up its rights cannot write down figures.
    """
    return subprocess.Popen(
        command(program, *arguments),
        cwd=ROOT,
        env=unmeasured(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def report(process: subprocess.Popen[str], last_words: str | None = None) -> dict[str, object]:
    """The last line that the program printed, as JSON, once it has ended well."""
    try:
        out, errors = process.communicate(last_words, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"the program hangs; it said: {out}{errors}") from None
    assert process.returncode == 0, f"the program failed: {out}{errors}"
    answer = json.loads(out.splitlines()[-1])
    assert isinstance(answer, dict)
    return answer


def run(program: str, *arguments: object) -> dict[str, object]:
    """Run the program to its end and return its report."""
    return report(start(program, *arguments))
