"""The secret scan finds secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import secrets_scan
from tests.repo.tree import ROOT

# Put together here, so that this file holds none of them.
AWS_KEY = "AKIA" + "IOSFODNN7QQQQQQQ"
GITHUB_TOKEN = "ghp" + "_" + "b" * 18 + "Z9" * 9
PRIVATE_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"
PASSWORD = "Correct4Horse" + "Battery9"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"key_id: {AWS_KEY}", "AWS Access Key"),
        (f"token = '{GITHUB_TOKEN}'", "GitHub Token"),
        (PRIVATE_KEY, "Private Key"),
        (f"password = '{PASSWORD}'", "Secret Keyword"),
    ],
)
def test_a_planted_secret_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, kind: str
) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f"# nothing here\n{line}\n")
    assert secrets_scan.main([str(file)]) == 1
    assert f"{file}:2: {kind}" in capsys.readouterr().out


def test_what_was_found_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f"token = '{GITHUB_TOKEN}'\n")
    secrets_scan.main([str(file)])
    assert GITHUB_TOKEN not in capsys.readouterr().out


def test_a_line_can_be_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f"key_id = '{AWS_KEY}'  # pragma: allowlist secret (opens nothing)\n")
    assert secrets_scan.main([str(file)]) == 0
    assert "nothing found in 1 files" in capsys.readouterr().out


def test_only_credentials_are_looked_for_where_passwords_are_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_scan, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    file = tmp_path / "tests" / "test_x.py"
    file.write_text(f"password = '{PASSWORD}'\n")
    assert secrets_scan.main([str(file)]) == 0
    file.write_text(f"token = '{GITHUB_TOKEN}'\n")
    assert secrets_scan.main([str(file)]) == 1


def test_no_finding_is_sent_anywhere_to_be_verified() -> None:
    baseline = json.loads((ROOT / ".secrets.baseline").read_text(encoding="utf-8"))
    assert not [entry for entry in baseline["filters_used"] if "verif" in entry["path"]]
