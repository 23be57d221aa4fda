from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """A home with nothing in it."""
    import logging

    root, level = logging.getLogger(), logging.getLogger("skykeep").level
    handlers = list(root.handlers)
    yield Cli(tmp_path / "home", monkeypatch)
    root.handlers[:] = handlers
    logging.getLogger("skykeep").setLevel(level)


@pytest.fixture
def cli(bare: Cli) -> Cli:
    """A vault with a key file."""
    return bare.init()
