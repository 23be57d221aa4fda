"""Setting up the virtual environment: what it refuses. That it works, `make test` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import setup_venv

Output = pytest.CaptureFixture[str]


def test_a_python_that_is_too_old_is_told_so(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_venv, "OLDEST", (99, 0))
    assert setup_venv.main([str(tmp_path / "venv"), "run"]) == 2
    assert "skykeep needs Python 99.0 or newer" in capsys.readouterr().out
    assert not (tmp_path / "venv").exists()


def test_a_directory_that_is_no_environment_is_left_alone(
    tmp_path: Path, capsys: Output
) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(SystemExit):
        setup_venv.main([str(tmp_path), "run"])
    assert (tmp_path / "precious").read_text() == "mine"
    assert "is no virtual environment" in capsys.readouterr().out


def test_stages_are_told_apart_by_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("click==1\n")
    second.write_text("click==1\n")
    assert setup_venv.digest([first]) == setup_venv.digest([second])
    second.write_text("click==2\n")
    assert setup_venv.digest([first]) != setup_venv.digest([second])


@pytest.mark.parametrize("content", ["", "nonsense", "[]"])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stamp").write_text(content)
    assert setup_venv.read(tmp_path / "stamp") == {}


@pytest.mark.parametrize(
    ("stage", "ours"), [("peers", False), ("llm-guard", False), ("run", True)]
)
def test_skykeep_is_not_installed_beside_the_servers_of_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, ours: bool
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(setup_venv, "make", Path.mkdir)
    monkeypatch.setattr(setup_venv, "pip", lambda venv, *options: installed.extend(options))
    setup_venv.set_up(tmp_path / "venv", stage)
    assert ("--editable" in installed) == ours
    assert any(option.endswith(f"{stage}.txt") for option in installed)
