"""The import contracts are not there for show: each is broken by what it forbids."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, SRC, python

RUN = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house in which walls may be broken."""
    skip = shutil.ignore_patterns("__pycache__")
    for package in ("llm_shield", "skykeep"):
        shutil.copytree(SRC / package, tmp_path / "src" / package, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("room", "forbidden", "contract"),
    [
        ("interfaces", "skykeep.layers.cache", "Imports run down the floors"),
        ("envelope", "skykeep.providers.local", "Imports run down the floors"),
        ("providers/local", "skykeep.registry", "Imports run down the floors"),
        ("layers", "skykeep.cloud", "Imports run down the floors"),
        ("settings", "skykeep.integrations.fields", "Imports run down the floors"),
        ("apps/cli", "skykeep.integrations.fields", "Imports run down the floors"),
        ("layers", "skykeep.providers.local", "Layers know calls"),
        ("layers", "skykeep.registry", "Layers know calls"),
        ("providers/local", "skykeep.providers.memory", "Providers do not know each other"),
        ("providers/wire", "skykeep.providers.memory", "Providers do not know each other"),
        ("providers/local", "skykeep.providers.wire.pool", "Providers do not know each other"),
        ("conformance", "skykeep.providers.memory", "The conformance suite"),
        ("providers/local", "cryptography.hazmat.primitives", "Cryptography is used"),
        ("layers", "argon2", "Cryptography is used"),
        ("settings", "click", "The command line's library"),
        ("interfaces", "msgspec", "Interfaces and errors"),
        ("../llm_shield", "skykeep.cloud", "llm_shield uses skykeep's public names"),
        (
            "../llm_shield/scanners",
            "skykeep.settings",
            "llm_shield uses skykeep's public names",
        ),
        ("../llm_shield/models", "cryptography.hazmat.primitives", "Cryptography is used"),
        ("../llm_shield/scanners", "click", "The command line's library"),
        ("layers", "llm_shield.finding", "skykeep does not know"),
    ],
)
@pytest.mark.slow
def test_a_forbidden_import_is_found(
    house: Path, room: str, forbidden: str, contract: str
) -> None:
    # Inside a function: a late import is an import.
    planted = f'"""Planted."""\n\n\ndef late() -> None:\n    import {forbidden}\n'
    (house / "src" / "skykeep" / room / "planted.py").write_text(planted)
    said = lint(house)
    assert re.search(rf"^{contract}.* BROKEN", said, re.MULTILINE), said
    assert "planted" in said


@pytest.mark.parametrize("part", ["model", "remote"])
@pytest.mark.slow
def test_the_settings_model_may_import_nothing_of_ours(house: Path, part: str) -> None:
    model = house / "src" / "skykeep" / "settings" / f"{part}.py"
    model.write_text(model.read_text() + "\n\nimport skykeep.interfaces.names\n")
    assert "The settings model stands on nothing of ours but the errors BROKEN" in lint(house)


@pytest.mark.slow
def test_a_new_room_needs_a_floor(house: Path) -> None:
    (house / "src" / "skykeep" / "attic.py").write_text('"""New."""\n')
    assert "attic" in lint(house)


def lint(house: Path) -> str:
    done = python(
        "-c", RUN, "--no-cache", "--no-logo", cwd=house, env={"PYTHONPATH": str(house / "src")}
    )
    assert done.returncode != 0, done.stdout
    return done.stdout
