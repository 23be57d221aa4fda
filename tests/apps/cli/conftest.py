from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from skykeep import registry
from tests.apps.cli.harness import Cli
from tests.hiding import hide_extras


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


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed that a provider needs and skykeep does not."""
    hide_extras(monkeypatch)


@pytest.fixture
def nimbus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package's provider, ``nimbus``, that cannot be imported."""
    entry = EntryPoint("nimbus", "nimbus_plugin:PROVIDER", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"nimbus": entry})
