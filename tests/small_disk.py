"""A disk of 1 MiB, mounted for a test; skipped where that is not allowed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(directory: Path) -> Iterator[Path]:
    """The directory, made and mounted."""
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "skykeep", directory],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def grow(disk: Path) -> None:
    """Make it 4 MiB."""
    subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
