from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli


def in_bash(cli: Cli, line: str) -> list[str]:
    """What bash offers after ``line``, through the script that it would source."""
    script = cli("completion", "bash").text
    words = line.split(" ")
    program = f"""
    PATH={Path(sys.executable).parent}:$PATH
    {script}
    COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}")
    COMP_CWORD={len(words) - 1}
    COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}
    _skykeep_completion skykeep
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", program], stdout=subprocess.PIPE, check=True, timeout=60
    )
    return done.stdout.decode().split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_completes(cli: Cli) -> None:
    cli("set", "db/password", "v")
    cli("set", "db/user", "v")
    cli("set", "gone", "v")
    cli("rm", "gone")
    assert in_bash(cli, "skykeep res") == ["restore"]
    assert in_bash(cli, "skykeep get --st") == ["--stage"]
    assert in_bash(cli, "skykeep config sh") == ["show"]
    assert in_bash(cli, "skykeep get db/") == ["db/password", "db/user"]
    assert in_bash(cli, "skykeep restore g") == ["gone"]
    assert in_bash(cli, f"skykeep --key-file {cli.key_file} get db/p") == ["db/password"]


def complete(cli: Cli, line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words = line.split(" ")
    monkeypatch.setenv("_SKYKEEP_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    ended = cli(code=None)
    assert ended.err == ""
    return [row.split(",")[1] for row in ended.text.split()]


def test_names_come_from_this_machine_only(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("set", "db/password", "v")
    asked = cli.types()
    assert complete(cli, "skykeep get d", monkeypatch) == ["db/password"]
    assert complete(cli, "skykeep ge", monkeypatch) == ["get"]
    cli.key_file.unlink()
    assert complete(cli, "skykeep get d", monkeypatch) == []
    cli.configure("p:\n  primary: {backend: aws}\n")
    assert complete(cli, "skykeep get d", monkeypatch) == []
    assert asked == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(cli: Cli, shell: str) -> None:
    text = cli("completion", shell).text
    assert "_SKYKEEP_COMPLETE" in text
    assert cli("completion", shell, "--output", "json").json == {
        "shell": shell, "script": text.rstrip("\n"),
    }  # fmt: skip
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text.encode(), check=True)


def test_other_shells(cli: Cli) -> None:
    cli("completion", "tcsh", code=2)
