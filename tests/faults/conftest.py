from __future__ import annotations

import asyncio
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.damage import Known, small_vault


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """The small vault, closed; to be copied, never to be changed."""
    return asyncio.run(small_vault(tmp_path_factory.mktemp("small")))


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that another user can reach."""
    with tempfile.TemporaryDirectory(prefix="skykeep-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        for parent in directory.resolve().parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                pytest.skip(f"{parent} cannot be entered by other users")
        yield directory
