"""``bench/rivals_objects.py`` in a process and an environment of its own.

The environment is in ``~/.cache/skykeep-rivals``, or where ``SKYKEEP_RIVALS`` says; made from
``requirements/rivals.txt`` on first use.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.reads import AT_ONCE, WAVES, Clock
from scripts import setup_venv

PROGRAM = Path(__file__).with_name("rivals_objects.py")


def place() -> Path:
    """Of the environment."""
    named = os.environ.get("SKYKEEP_RIVALS")
    return Path(named) if named else Path.home() / ".cache" / "skykeep-rivals"


def prepare() -> None:
    """Make the environment, if it can be made; without it the rivals are left out."""
    try:
        setup_venv.set_up(place(), "rivals")
    except subprocess.CalledProcessError:
        setup_venv.say("s3fs and adlfs are not measured: their environment cannot be made.")


class Rival:
    """One of them, ready and warm."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running

    def waves(self, what: str) -> Clock:
        """``get`` or ``put``: as ``bench.s3.waves``, by the clocks of that process."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(f"{what}\n")
        self._running.stdin.flush()
        told = json.loads(self._running.stdout.readline())
        clock, calls = Clock(), AT_ONCE * WAVES
        clock.cpu, clock.wall = told["cpu"] * calls, told["wall"] * calls
        return clock


@contextmanager
def rival(name: str, port: int) -> Iterator[Rival | None]:
    """``s3fs`` or ``adlfs`` against the server; None if its environment is not there."""
    python = place() / "bin" / "python"
    if not python.exists():
        yield None
        return
    # -P: beside the program are modules with the names of its libraries.
    command = [str(python), "-P", str(PROGRAM), name, str(port)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdin is not None
        try:
            yield Rival(running)
        finally:
            running.stdin.close()
