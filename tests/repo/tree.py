"""The repository, as its own tests see it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


@lru_cache(maxsize=1)
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks, or would if it were added. Skips outside a checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return tuple(file for file in files if file.is_file())


def texts() -> list[tuple[str, str]]:
    """Path from the root and content of every tracked file that is UTF-8 text."""
    found = []
    for file in tracked():
        try:
            found.append((file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def unmeasured() -> dict[str, str]:
    """The environment without coverage's variables: a child is started as users start it."""
    return {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}


def python(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter; standard error is part of the output."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**unmeasured(), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def locked(name: str) -> list[tuple[Requirement, str]]:
    """Each requirement of ``requirements/NAME``, and its whole line."""
    whole = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in whole.splitlines() if line and not line.startswith("#")]
    return [(Requirement(line.partition(" --hash")[0]), line) for line in lines]


def wanted(name: str) -> list[Requirement]:
    """What ``requirements/NAME`` asks for itself, without the files that it includes."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
