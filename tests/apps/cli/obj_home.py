"""What the tests of ``skykeep obj`` look at: the directory of objects, lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.apps.cli.harness import Cli

LARGE = 20 * 1024 * 1024 + 7
"""Bytes of three parts."""


def objects(cli: Cli) -> Path:
    """Where the objects lie."""
    return cli.home / "objects"


def left_over(cli: Cli) -> list[Path]:
    """Bodies and uploads that are not whole."""
    own = objects(cli) / ".skykeep"
    return [path for room in ("tmp", "uploads") for path in (own / room).rglob("*")]


def lines(text: str) -> list[dict[str, Any]]:
    """One document a line."""
    return [json.loads(line) for line in text.splitlines()]


def names(folder: Path | None = None) -> list[str]:
    """What is in a directory."""
    return sorted(path.name for path in (folder or Path()).iterdir())
