"""What a command imports is what it needs: starting quickly is a promise."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skykeep.apps.cli.program import COMMANDS
from tests.apps.cli.harness import Cli


def modules_after(cli: Cli, *args: str) -> set[str]:
    program = (
        "import sys; before = set(sys.modules); from skykeep.apps.cli import main;"
        "main(sys.argv[1:]); sys.stderr.write(' '.join(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *args], capture_output=True, check=True, text=True
    )
    return set(done.stderr.split())


def test_version_imports_next_to_nothing(cli: Cli) -> None:
    loaded = modules_after(cli, "version")
    ours = {name for name in loaded if name.startswith("skykeep.") and ".apps" not in name}
    assert ours == set()
    assert not loaded & {
        "asyncio",
        "sqlite3",
        "yaml",
        "msgspec",
        "cryptography",
        "json",
        "logging",
    }


def test_help_imports_no_command(cli: Cli) -> None:
    loaded = modules_after(cli, "--help")
    assert not {f"skykeep.apps.cli.commands.{name}" for name in COMMANDS} & loaded


def test_get_with_a_key_file_imports_what_it_needs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cli.home / "skykeep.yaml").unlink()
    monkeypatch.setenv("SKYKEEP_KEY_FILE", str(cli.key_file))
    cli("set", "a", "v")
    loaded = modules_after(cli, "get", "a")
    assert not loaded & {"argon2", "yaml", "getpass"}


def test_importing_the_command_line_imports_nothing() -> None:
    program = "import sys, skykeep.apps.cli; print('click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
