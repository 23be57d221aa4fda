"""``skykeep backup``: questions, what opens, and what never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli

CANARY = "canary-5510fe"
FIRST = f"production:\n  primary: {{backend: local}}\nx-old: {{password: {CANARY}}}\n"
SECOND = FIRST.replace("x-old", "x-new")


@pytest.fixture
def file(bare: Cli) -> Path:
    """A configuration that was backed up and then edited."""
    path = bare.configure(FIRST)
    bare("backup", "create")
    path.write_text(SECOND)
    return path


def beside(file: Path) -> list[Path]:
    return sorted(file.parent.glob("skykeep.yaml.bak-*"))


def test_the_difference_is_shown_and_a_question_asked(bare: Cli, file: Path) -> None:
    ended = bare("backup", "restore", "latest", stdin=b"y\n", terminal=True)
    lines = ended.err.splitlines()
    assert lines[0] == f"--- {file}"
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-x-new: {password: ***(1)}", "+x-old: {password: ***(1)}"
    ]  # fmt: skip
    assert lines[-1].startswith(f"Replace {file}? [y/N]")
    assert file.read_text() == FIRST
    (kept,) = beside(file)
    assert kept.read_text() == SECOND
    assert str(kept) in ended.text


@pytest.mark.parametrize("answer", [b"\n", b"n\n", b"yess\n", b""])
def test_without_a_yes_nothing_is_replaced(answer: bytes, bare: Cli, file: Path) -> None:
    ended = bare("backup", "restore", "latest", stdin=answer, code=1, terminal=True)
    assert ended.err.endswith("nothing was replaced\n")
    assert (file.read_text(), beside(file)) == (SECOND, [])
    words = ("backup", "restore", "latest", "--output", "json")
    assert bare(*words, stdin=answer, code=1, terminal=True).json == {"restored": False}


def test_nobody_is_asked_where_nothing_changes(bare: Cli, file: Path) -> None:
    file.write_text(FIRST)
    ended = bare("backup", "restore", "latest", terminal=True)
    assert (ended.text, ended.err) == (f"{file}: has it already\n", "")


def test_a_file_that_is_no_yaml_can_be_replaced(bare: Cli, file: Path) -> None:
    file.write_text(f"production: [{CANARY}\n")
    ended = bare("backup", "restore", "latest", code=24)
    assert "--config OTHER … --file FILE" in ended.err
    words = ("--config", "/dev/null", "backup", "restore", "latest", "--file", str(file))
    ended = bare(*words, stdin=b"y\n", terminal=True)
    assert "is not YAML" in ended.err
    assert CANARY not in ended.err
    assert file.read_text() == FIRST


def test_no_store_of_secrets_is_opened(bare: Cli, file: Path) -> None:
    """There is no vault, and nobody is asked for a passphrase."""
    asked = bare.types()
    bare("backup", "create", "--force")
    bare("backup", "list")
    bare("backup", "diff", code=0)
    bare("backup", "restore", "latest", "--yes")
    assert asked == []
    assert not list(bare.home.glob("vault*"))


def test_nothing_of_a_secret_is_shown(
    bare: Cli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    words = ["create", "list", "diff", "restore latest", "diff latest nope", "restore nope"]
    for line in words:
        for more in ([], ["--output", "json"]):
            yes = ["--yes"] if "restore" in line else []
            ended = bare("backup", *line.split(), *yes, *more, code=None)
            assert CANARY not in ended.text + ended.err


def test_variables_that_are_not_set_are_warned_of(bare: Cli, file: Path) -> None:
    file.write_text(FIRST.replace("local}", "local, region: '${SOME_REGION}'}"))
    bare.patch.setenv("SOME_REGION", "eu")
    bare("backup", "create")
    file.write_text(SECOND)
    bare.patch.delenv("SOME_REGION")
    ended = bare("backup", "restore", "latest", "--yes")
    assert "SOME_REGION" in ended.err
    assert "${SOME_REGION}" in file.read_text()


def test_without_a_configuration_file(bare: Cli) -> None:
    assert "no configuration file" in bare("backup", "create", code=24).err
    assert bare("backup", "list").err == "there is no backup yet\n"
    assert bare("backup", "list", "--output", "json").json == []
