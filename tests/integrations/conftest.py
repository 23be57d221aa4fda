"""A vault in a home of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import skykeep
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import vault
from skykeep.providers.local.settings import LocalSettings


@dataclass(frozen=True)
class Home:
    """Where an embedded vault is, and the variables with which it is found."""

    path: Path
    environ: dict[str, str]

    def keep(self, values: Mapping[str, str]) -> None:
        with skykeep.open_blocking(environ=self.environ) as cloud:
            for name, value in values.items():
                cloud.secrets.put(name, value)

    async def put(self, name: str, value: str) -> None:
        async with skykeep.open(environ=self.environ) as cloud:
            await cloud.secrets.put(name, value)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty vault, unlocked by a key file."""
    monkeypatch.chdir(tmp_path)  # no configuration file lies there
    environ = {
        "SKYKEEP_HOME": str(tmp_path / "home"),
        "SKYKEEP_KEY_FILE": str(tmp_path / "key"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    context = OpenContext("t", environ, lambda: tmp_path / "home")
    vault.create(LocalSettings(backend="local"), context)
    return Home(tmp_path, environ)
