"""Changes on the command line: shown without values, and a command that runs after them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skykeep.apps.cli import following
from skykeep.apps.cli.console import Console
from skykeep.apps.cli.failures import Stop
from tests.apps.cli.harness import COMMAND, Cli

CANARY = "canary-7d1e22"
RUNS = """
import os, sys
with open(sys.argv[1], "a") as log:
    log.write(os.environ["SKYKEEP_CHANGED"].replace("\\n", " ") + "\\n")
if not os.path.exists(sys.argv[2]):
    open(sys.argv[2], "w").close()
    with open(sys.argv[3]) as gate:  # a pipe: until the test writes
        gate.read()
"""


def test_no_value_is_shown_or_handed_over(cli: Cli) -> None:
    cli("set", "a", CANARY)
    ended = cli.process("watch", "a", "--initial", "--once", "--", "env")
    assert "SKYKEEP_CHANGED=a\n" in ended.text
    assert CANARY not in ended.text + ended.err


def test_what_unlocks_is_taken_out(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_KEY_FILE", str(cli.key_file))
    cli("set", "a", "v")
    watch = ("watch", "a", "--initial", "--once")
    assert "SKYKEEP_KEY_FILE" not in cli.process(*watch, "--", "env").text
    assert "SKYKEEP_KEY_FILE" in cli.process(*watch, "--keep-unlock", "--", "env").text


def test_in_json_what_the_command_writes_is_no_answer(cli: Cli) -> None:
    cli("set", "a", "v")
    ended = cli.process(
        "watch", "a", "--initial", "--once", "--output", "json", "--", "echo", "done"
    )
    assert ended.json["name"] == "a"
    assert ended.err == "done\n"


def test_options_after_the_dashes_are_the_commands_own(cli: Cli) -> None:
    cli("set", "a", "v")
    ended = cli.process(
        "watch", "a", "--initial", "--once", "--", "echo", "--", "--output", "json"
    )
    assert ended.text.endswith("-- --output json\n")


def test_a_reader_that_goes_away_ends_it(cli: Cli) -> None:
    cli("set", "a", "v")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [*COMMAND, "watch", "a", "--initial"], stdout=closed, check=False, timeout=60
        )
    assert done.returncode == 141


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_and_the_command_that_is_running(
    cli: Cli, tmp_path: Path, name: str
) -> None:
    cli("set", "a", "v")
    log = tmp_path / "log"
    script = f"trap 'echo ended >> {log}; exit' TERM; echo begun; read x < {tmp_path}/never"
    os.mkfifo(tmp_path / "never")
    process = subprocess.Popen(
        [*COMMAND, "watch", "a", "--initial", "--", "bash", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"created  a  version 1\n")
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert b"skykeep: interrupted: " in process.stderr.read()
    assert log.read_text() == "ended\n"


@pytest.mark.asyncio
async def test_one_run_at_a_time_with_all_that_came_meanwhile(tmp_path: Path) -> None:
    log, begun, gate = tmp_path / "log", tmp_path / "begun", tmp_path / "gate"
    os.mkfifo(gate)
    words = [sys.executable, "-c", RUNS, str(log), str(begun), str(gate)]

    async def stop() -> None:
        raise AssertionError("it can be started")

    async with following.AfterChanges(words, Console(), stop, keep_unlock=False) as after:
        after(["a"])
        # A pipe opens when its other end does: the first run is at its gate.
        writing = await asyncio.to_thread(gate.open, "w")
        for names in (["b"], ["c", "b"], ["a"]):
            after(names)
            await asyncio.sleep(0)
        writing.close()
    assert log.read_text() == "a\nb c a\n"


@pytest.mark.asyncio
async def test_one_that_cannot_be_started_stops_the_watch(tmp_path: Path) -> None:
    stopped = asyncio.Event()

    async def stop() -> None:
        stopped.set()

    words = [str(tmp_path / "none")]
    after = following.AfterChanges(words, Console(), stop, keep_unlock=False)
    after(["a"])
    await stopped.wait()
    with pytest.raises(Stop, match="there is no command"):
        await after.__aexit__(None)


def test_times_that_make_no_sense(cli: Cli) -> None:
    assert "above 0" in cli("watch", "a", "--every", "0s", code=13).err
    cli("watch", "a", "--every", "often", code=2)
    cli("watch", "not//a name", code=13)


def test_a_refusal_ends_it_with_its_own_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from skykeep.errors import Denied
    from skykeep.providers.local.secrets import LocalSecrets

    async def refuses(self: LocalSecrets, name: str) -> None:
        raise Denied("not you")

    monkeypatch.setattr(LocalSecrets, "describe", refuses)
    assert cli("watch", "a", code=11).err == "skykeep: denied: not you\n"


def test_it_ends_after_its_time(cli: Cli) -> None:
    assert cli("watch", "a", "--timeout", "0s").out == b""
    assert cli("watch", "a", "--timeout", "0s", "--once", code=1).out == b""
