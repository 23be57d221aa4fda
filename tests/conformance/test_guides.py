"""The examples of the guides are run as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[2] / "docs" / "guides"

# A provider of another package, as the guide describes it, over the in-memory store.
ACME = {
    "settings.py": """
from skykeep.settings.model import TargetSettings

class AcmeSettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    pass
""",
    "secrets.py": """
from skykeep.providers.memory.secrets import MemorySecrets
from skykeep.providers.memory.store import MemoryStore

STORE = MemoryStore()

class AcmeSecrets(MemorySecrets):
    def __init__(self, settings):
        super().__init__(store=STORE, prefix=settings.secret_prefix or "")
""",
}
CONFTEST = """
import pytest
from skykeep.providers.memory.secrets import MemorySecrets

@pytest.fixture
def open_empty_acme():
    async def open_empty():
        return MemorySecrets()
    return open_empty
"""


def _examples(guide: str) -> list[str]:
    text = (GUIDES / guide).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _run(directory: Path) -> str:
    settings = directory / "pytest.ini"
    settings.write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, "--import-mode=importlib", "-c", str(settings), str(directory)],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_examples_of_testing(tmp_path: Path) -> None:
    examples = _examples("testing.md")
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    assert len(examples) == 4
    assert "5 passed" in _run(tmp_path)


def test_the_examples_of_writing_a_provider(tmp_path: Path) -> None:
    examples = _examples("writing-a-provider.md")
    provider, suite, against = examples
    (tmp_path / "conftest.py").write_text(CONFTEST)
    package = tmp_path / "acme"
    package.mkdir()
    for name, text in {**ACME, "__init__.py": provider}.items():
        (package / name).write_text(text)
    (tmp_path / "test_acme.py").write_text(suite)
    (tmp_path / "test_agree.py").write_text(against)
    assert re.search(r"\d{3} passed", _run(tmp_path))


@pytest.mark.parametrize("guide", ["testing.md", "writing-a-provider.md"])
def test_what_the_guides_name_is_there(guide: str) -> None:
    text = (GUIDES / guide).read_text(encoding="utf-8")
    source = Path(__file__).parents[2] / "src"
    for module in re.findall(r"`(skykeep(?:\.\w+)+)`", text):
        parts = module.split(".")
        homes = [source.joinpath(*parts[:end]) for end in (len(parts), len(parts) - 1)]
        assert any(home.is_dir() or home.with_suffix(".py").is_file() for home in homes), module
