"""The guide's configuration and program run as they are printed; its errors are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import NotFound
from skykeep.settings.order import LoadingSettings
from tests.repo.tree import ROOT, python

GUIDE = (ROOT / "docs" / "guides" / "loading.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
ORDER, AUTH = [text for kind, text in BLOCKS if kind == "yaml"]
(PROGRAM,) = [text for kind, text in BLOCKS if kind == "python"]
NOWHERE, LINES = [text for kind, text in BLOCKS if kind == "text"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path / "home"))
    # A store without a key to unlock; it says what the vault says.
    (tmp_path / "skykeep.yaml").write_text(
        ORDER.replace("{backend: local}", "{backend: memory}")
    )
    return tmp_path


def test_the_program(here: Path) -> None:
    (here / "secrets").mkdir()
    (here / "secrets" / "api_keys.txt").write_text(LINES)
    done = python("-c", PROGRAM, cwd=here)
    assert done.returncode == 0, done.stdout
    first, *misses, last = done.stdout.splitlines()
    assert first == f"SecretValue({len(LINES.encode())} bytes) from development (files)"
    assert [miss.split(":")[0] for miss in misses] == [
        "not from primary (memory)",
        "not from source 2 (files)",
        "not from source 3 (env)",
    ]
    assert last == "2 keys"


def test_the_error_when_it_is_nowhere(here: Path) -> None:
    with (
        skykeep.open_blocking() as cloud,
        skykeep.BlockingSecretLoader(cloud) as loader,
        pytest.raises(NotFound) as caught,
    ):
        loader.get("llm-shield/api-keys")
    said = str(caught.value).replace("(memory)", "(local)").splitlines()
    # This machine need not have /run/secrets.
    said[2] = said[2].replace("directory '/run/secrets'", "file '/run/secrets/api_keys'")
    assert said == NOWHERE.splitlines()


def test_the_one_place(here: Path) -> None:
    (here / "skykeep.yaml").write_text(
        ORDER.replace("{backend: local}", "{backend: memory}")
        + AUTH.replace("aws_secrets_manager ", "env ")
    )
    environ = {"LLM_SHIELD_API_KEYS": LINES}
    with (
        skykeep.open_blocking(environ=environ) as cloud,
        skykeep.BlockingSecretLoader(cloud) as loader,
    ):
        assert len(loader.load_api_keys()) == 2


def test_what_holds_by_default() -> None:
    defaults = LoadingSettings()
    assert defaults.pass_over == ("unavailable", "throttled")
    assert f"`loading.rest_seconds` ({defaults.rest_seconds:g})" in GUIDE
