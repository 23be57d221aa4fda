from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from skykeep.errors import ConfigError
from skykeep.settings.load import Flags, load
from skykeep.settings.model import Environment
from tests.settings.providers import settings_of

Load = Callable[..., Environment]
Mistakes = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory; the user's own configuration is out of sight."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def loaded(directory: Path, home: Path) -> Load:
    """Load ``text`` as ./skykeep.yaml; other arguments are flags."""

    def loaded(
        text: str | None = None, environ: Mapping[str, str] | None = None, **flags: object
    ) -> Environment:
        if text is not None:
            (directory / "skykeep.yaml").write_text(text, encoding="utf-8")
        variables = {"SKYKEEP_HOME": str(home), **(environ or {})}
        return load(Flags(**flags), environ=variables, settings_of=settings_of)  # type: ignore[arg-type]  # the tests give wrong types, too

    return loaded


@pytest.fixture
def mistakes(loaded: Load) -> Mistakes:
    """Load what must fail; the problems as lines, the file's name left out."""

    def mistakes(*args: object, **kwargs: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(*args, **kwargs)
        return [str(problem).removeprefix("skykeep.yaml") for problem in caught.value.problems]

    return mistakes
