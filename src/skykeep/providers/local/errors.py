"""SQLite's errors of a vault -> ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from skykeep.durable import errors
from skykeep.errors import Corrupt, SkykeepError

T = TypeVar("T")

_SAVE = "stop writing to it, keep a copy, and restore a backup"


def damaged(path: Path, what: str) -> Corrupt:
    """The error for a vault whose content is not what was written."""
    return errors.damaged(f"the vault {path}", what, _SAVE)


def translate(error: sqlite3.Error, path: Path) -> SkykeepError:
    """Our error for an error of SQLite."""
    return errors.translate(error, f"the vault {path}", _SAVE)


def with_vault_errors(path: Path, work: Callable[[], T]) -> T:
    """Do the work; raise ours for SQLite's and say of which file ``Corrupt`` speaks."""
    return errors.with_errors(f"the vault {path}", _SAVE, work)
