from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from skykeep.apps.cli import child
from skykeep.apps.cli.failures import Stop
from skykeep.apps.cli.variables import variable_of
from tests.apps.cli.harness import COMMAND, Cli

DUMP = """
import os, sys
sys.stdout.buffer.write(b'\\0'.join(k + b'=' + v for k, v in os.environb.items()))
"""


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/password", "p")
    cli("set", "db/user.name", "u")
    cli("set", "api/token", "t")
    return cli


def environment_of(cli: Cli, *args: str) -> dict[bytes, bytes]:
    out = cli.process("run", *args, "--", sys.executable, "-c", DUMP).out
    return dict(pair.split(b"=", 1) for pair in out.split(b"\0"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments of the commands that would have been started."""
    seen: list[dict[str, str]] = []

    def start(words: Any, variables: dict[str, str]) -> int:
        seen.append(variables)
        return 0

    monkeypatch.setattr(child, "start", start)
    return seen


def test_only_the_asked_variables_are_added(filled: Cli) -> None:
    found = environment_of(filled, "--set", "MY_TOKEN=api/token", "--prefix", "db/")
    added = {name: value for name, value in found.items() if name.decode() not in os.environ}
    assert added.keys() - {b"LC_CTYPE"} == {b"MY_TOKEN", b"DB_PASSWORD", b"DB_USER_NAME"}
    assert (found[b"MY_TOKEN"], found[b"DB_PASSWORD"]) == (b"t", b"p")


def test_pristine_keeps_the_path_only(filled: Cli) -> None:
    found = environment_of(filled, "--pristine", "--set", "A=api/token")
    assert found.keys() - {b"LC_CTYPE"} == {b"A", b"PATH"}


def test_what_unlocks_is_taken_out(
    filled: Cli, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, str]]
) -> None:
    monkeypatch.setenv("SKYKEEP_KEY_FILE", str(filled.key_file))
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "canary")
    filled("run", "--set", "A=api/token", "x")
    assert not {"SKYKEEP_KEY_FILE", "SKYKEEP_PASSPHRASE"} & started[-1].keys()
    assert "SKYKEEP_HOME" in started[-1]
    filled("run", "--keep-unlock", "--pristine", "--set", "A=api/token", "x")
    assert started[-1].keys() == {"PATH", "SKYKEEP_KEY_FILE", "SKYKEEP_PASSPHRASE", "A"}


def test_bytes_that_are_no_text_pass(filled: Cli) -> None:
    filled("set", "raw", "-", stdin=b"\xff\xed\xa0\x80\n=")
    assert environment_of(filled, "--set", "RAW=raw")[b"RAW"] == b"\xff\xed\xa0\x80\n="


def test_a_nul_cannot_pass(filled: Cli) -> None:
    filled("set", "raw", "-", stdin=b"canary\x00tail")
    ended = filled("run", "--set", "RAW=raw", "--", "true", code=13)
    assert "the variable RAW" in ended.err
    assert "canary" not in ended.err


def test_names_of_variables() -> None:
    assert variable_of("db/password") == "DB_PASSWORD"
    assert variable_of("a.b-c/D_e") == "A_B_C_D_E"
    assert variable_of("2fa/key") == "_2FA_KEY"


def test_a_collision_names_both(filled: Cli) -> None:
    filled("set", "db/user-name", "x")
    ended = filled("run", "--prefix", "db", "--", "true", code=14)
    assert "'db/user-name' and 'db/user.name' both want the variable DB_USER_NAME" in ended.err
    ended = filled("run", "--set", "DB_PASSWORD=api/token", "--prefix", "db", "x", code=14)
    assert "DB_USER_NAME" in ended.err or "DB_PASSWORD" in ended.err
    filled("run", "--set", "A=api/token", "--set", "A=db/password", "--", "x", code=2)


def test_a_collision_of_set_and_prefix(filled: Cli, started: list[dict[str, str]]) -> None:
    ended = filled("run", "--set", "API_TOKEN=db/password", "--prefix", "api", "x", code=14)
    assert "API_TOKEN" in ended.err
    filled("run", "--set", "API_TOKEN=api/token", "--prefix", "api", "x")
    assert started[-1]["API_TOKEN"] == "t"


def test_what_is_missing(filled: Cli) -> None:
    ended = filled("run", "--set", "A=no/one", "--set", "B=no/two", "--", "true", code=10)
    assert "no/one, no/two" in ended.err
    assert "under 'none'" in filled("run", "--prefix", "none", "--", "true", code=10).err
    assert "--prefix" in filled("run", "--", "true", code=2).err
    filled("run", "--set", "A=api/token", code=2)
    filled("run", "--set", "0A=api/token", "--", "true", code=13)


def test_the_section_of_the_configuration(filled: Cli, started: list[dict[str, str]]) -> None:
    path = filled.home / "skykeep.yaml"
    path.write_text(path.read_text() + "  run:\n    TOKEN: api/token\n    OTHER: db/password\n")
    filled("run", "--pristine", "x")
    assert started[-1] == {"PATH": os.environ["PATH"], "TOKEN": "t", "OTHER": "p"}
    filled("run", "--pristine", "--set", "TOKEN=db/user.name", "--prefix", "api", "x")
    assert started[-1] == {
        "PATH": os.environ["PATH"], "TOKEN": "u", "OTHER": "p", "API_TOKEN": "t",
    }  # fmt: skip


def test_options_after_the_command_are_its_own(filled: Cli) -> None:
    ended = filled.process("run", "--set", "A=api/token", "echo", "--output", "json", "-h")
    assert ended.text == "--output json -h\n"


def test_the_exit_code_is_the_childs(filled: Cli) -> None:
    for code in (0, 1, 7, 255):
        filled.process(
            "run", "--set", "A=api/token", "--", "sh", "-c", f"exit {code}", code=code
        )


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGINT", "SIGPIPE", "SIGUSR1"])
def test_a_child_that_dies_by_a_signal(filled: Cli, name: str) -> None:
    number = getattr(signal, name)
    filled.process(
        "run", "--set", "A=api/token", "--", "sh", "-c", f"kill -{number} $$", code=-number
    )


def test_signals_reach_the_child_itself(filled: Cli) -> None:
    script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*COMMAND, "run", "--set", "A=api/token", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.stdout.read() == b"caught\n"
    process.stdout.close()
    assert process.wait() == 3


def test_the_child_takes_the_process_and_leaves_nothing_open(filled: Cli) -> None:
    program = "import os; print(os.getpid()); print(len(os.listdir('/proc/self/fd')))"
    process = subprocess.Popen(
        [*COMMAND, "run", "--set", "A=api/token", "--",
         sys.executable, "-c", program],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = process.communicate()
    pid, descriptors = out.decode().splitlines()
    assert int(pid) == process.pid
    assert int(descriptors) == 4  # the last one lists


def test_a_command_that_is_not_there_or_cannot_be_executed(filled: Cli, tmp_path: Path) -> None:
    run = ("run", "--set", "A=api/token", "--")
    ended = filled.process(*run, "no-such-command", code=127)
    assert ended.err.startswith(
        "skykeep: no such command: there is no command 'no-such-command'"
    )
    filled.process(*run, str(tmp_path / "none"), code=127)
    filled.process(*run, "/dev/null/none", code=127)
    plain = tmp_path / "plain"
    plain.write_text("echo\n")
    filled.process(*run, str(plain), code=126)
    plain.chmod(0o755)
    assert "#!/bin/sh" in filled.process(*run, str(plain), code=126).err
    ended = filled("--output", "json", *run, "no-such-command", code=127)
    assert ended.error["class"] == "NotACommand"


def test_values_too_large_for_an_environment(filled: Cli) -> None:
    filled("set", "big", "-", stdin=b"x" * 300_000)
    ended = filled.process("run", "--set", "BIG=big", "--", "true", code=126)
    assert "too large" in ended.err
    assert len(ended.err) < 500


def test_standing_in_for_the_child() -> None:
    """What is done where a process cannot be replaced, tried here as well."""
    variables = dict(os.environ)
    assert child.start_and_wait([sys.executable, "-c", "raise SystemExit(9)"], variables) == 9
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert child.start_and_wait([sys.executable, "-c", dies], variables) == 137


def test_standing_in_passes_signals_on(tmp_path: Path) -> None:
    program = (
        "import os, sys; from skykeep.apps.cli import child; sys.exit(child.start_and_wait("
        "['sh', '-c', 'trap \"exit 5\" TERM; echo ready; while :; do sleep 0.05; done'],"
        " os.environ))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    process.terminate()
    process.stdout.close()
    assert process.wait() == 5


def test_words_with_a_nul(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stop, match="NUL"):
        child.start(["true", "a\x00b"], dict(os.environ))


def test_windows_waits_for_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "start_and_wait", lambda words, variables: 42)
    monkeypatch.setattr(child, "_REPLACES", False)
    assert child.start(["x"], {}) == 42
