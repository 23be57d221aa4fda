from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import skykeep.errors
from skykeep.apps.cli import exit_codes
from skykeep.apps.cli.console import Console, OutputFailed, is_terminal, printable
from skykeep.apps.cli.exit_codes import ERRORS, OTHERS, ending_of
from skykeep.apps.cli.failures import failure_of
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import Denied, SkykeepError, Unavailable
from tests.apps.cli.harness import COMMAND, Cli

CLASSES = [
    kind
    for kind in vars(skykeep.errors).values()
    if isinstance(kind, type) and issubclass(kind, SkykeepError)
]


def test_every_error_class_has_a_code_of_its_own() -> None:
    assert ERRORS.keys() == {kind.__name__ for kind in CLASSES}
    codes = [ending.code for ending in (*ERRORS.values(), *OTHERS.values())]
    assert len(set(codes)) == len(codes)
    own = [ending.code for name, ending in ERRORS.items() if name != "SkykeepError"]
    assert own == list(range(10, 10 + len(own)))


def test_a_subclass_ends_as_its_parent() -> None:
    class Sealed(Unavailable):
        pass

    assert failure_of(Sealed("sealed")).exit_code == ERRORS["Unavailable"].code
    assert ending_of(ValueError) is None


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(self: Invocation, *args: object, **options: object) -> Any:
        raise error

    monkeypatch.setattr(Invocation, "open", fail)


def test_errors_in_text_and_json(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    error = Denied(
        "you may not\x1b[2J",
        hint="ask for it",
        operation="secrets.get",
        resource="a",
        target="main (aws)",
        request_id="r-1",
    )
    raising(monkeypatch, error)
    assert bare("get", "a", code=11).err == (
        "skykeep: denied: you may not\\x1b[2J [main (aws)] (request r-1)\n  ask for it\n"
    )
    assert bare("get", "a", "--output", "json", code=11).error == {
        "class": "Denied",
        "message": "you may not\x1b[2J",
        "hint": "ask for it",
        "operation": "secrets.get",
        "resource": "a",
        "target": "main (aws)",
        "request_id": "r-1",
        "exit_code": 11,
    }


def test_usage_errors_in_json(cli: Cli) -> None:
    for words in (
        ("get", "--output", "json", "--nope"),
        ("--output=json", "gett"),
        ("--output", "json", "get"),
        ("get", "a", "b", "--output=json"),
    ):
        error = cli(*words, code=2).error
        assert (error["class"], error["exit_code"]) == ("Usage", 2)
    # What belongs to the command that is run asks for nothing.
    assert cli("run", "--nope", "--", "x", "--output", "json", code=2).err.startswith(
        "skykeep:"
    )


def test_near_names(bare: Cli) -> None:
    assert "did you mean 'get'?" in bare("gett", code=2).err
    assert "there is no command 'zzzz'\n" in bare("zzzz", code=2).err
    assert "--nope" in bare("--nope", code=2).err


def test_no_arguments_show_the_help(bare: Cli) -> None:
    ended = bare(code=2)
    assert ended.out == b""
    assert ended.err.startswith("Usage: skykeep ")
    assert bare("-h").text == bare("--help").text == ended.err


def test_version(bare: Cli) -> None:
    text = f"skykeep {skykeep.__version__}\n"
    assert bare("version").text == bare("--version").text == text
    found = bare("--output", "json", "--version").json
    assert found == bare("version", "--output", "json").json
    assert found["version"] == skykeep.__version__


def test_a_bug_shows_no_text_of_its_exception(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, RuntimeError("canary"))
    ended = bare("get", "a", code=70)
    assert ended.err.startswith("skykeep: a bug in skykeep: RuntimeError at test_endings.py:")
    assert "SKYKEEP_LOG=debug" in ended.err
    assert "Traceback" not in ended.err
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    ended = bare("get", "a", code=70)
    assert 'File "' in ended.err
    assert "canary" not in ended.err
    assert bare("get", "a", "--output", "json", code=70).error["class"] == "Bug"
    assert failure_of(ValueError()).message == "ValueError at an unknown place"


def test_what_is_no_exception_passes(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, GeneratorExit())
    with pytest.raises(GeneratorExit):
        bare("get", "a")


def test_ctrl_c(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert bare("get", "a", code=130).err == "\nskykeep: interrupted: nothing more was done\n"
    monkeypatch.setattr(
        "skykeep.apps.cli.program.run", lambda args: (_ for _ in ()).throw(KeyboardInterrupt())
    )
    bare("get", "a", code=130)


def test_ctrl_c_while_a_store_does_not_answer(cli: Cli) -> None:
    program = (
        "import asyncio, sys\n"
        "from skykeep.interfaces.secrets import Secrets\n"
        "async def never(*a, **k):\n"
        "    print('waiting', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "Secrets.get = never\n"
        "from skykeep.apps.cli import main\n"
        "sys.exit(main(['get', 'a']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (
        130,
        b"\nskykeep: interrupted: nothing more was done\n",
    )


def test_a_reader_that_goes_away(cli: Cli) -> None:
    cli("set", "a", "-", stdin=b"x" * 1_000_000)
    for words in (["get", "a"], ["get", "a", "--output", "json"]):
        process = subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.stderr.close()
        assert (process.wait(), err) == (141, b"")


def test_output_that_cannot_be_written(cli: Cli) -> None:
    cli("set", "a", "v")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "get", "a"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 74
    assert done.stderr == (
        b"skykeep: output: standard output cannot be written: No space left on device\n"
    )
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *COMMAND, "get", "a"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 74


def test_help_that_cannot_be_written(bare: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "--help"], stdout=full, check=False)
    assert done.returncode == 74


def test_streams_that_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", closed)
    with pytest.raises(OutputFailed):
        Console().text("x")
    Console().error("a: b")
    assert not is_terminal(closed)
    monkeypatch.setattr(sys, "stderr", None)
    Console().note("x")


def test_standard_input_that_is_closed(cli: Cli) -> None:
    for words, said in ((["-"], b"standard input is closed"), ([], b"standard input is empty")):
        done = subprocess.run(
            ["sh", "-c", '"$@" <&-', "sh", *COMMAND, "set", "a", *words],
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 13
        assert said in done.stderr


def test_the_log(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("set", "a", "v")
    assert cli("get", "a").err == ""
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    ended = cli("get", "a")
    assert ended.out == b"v"
    assert ended.err.startswith("skykeep: debug: secrets.get a: ok in ")
    lines = [json.loads(line) for line in cli("get", "a", "--output", "json").err.splitlines()]
    assert lines[0]["log"]["level"] == "debug"
    monkeypatch.setenv("SKYKEEP_LOG", "loud")
    assert "expected debug, info or warning" in cli("get", "a").err


def test_warnings_of_the_library(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cli.home / "skykeep.yaml"
    path.write_text(path.read_text() + "  failover: {backend: local, path: none.db}\n")
    said = "a is not brought to failover (local): ConfigError: there is no vault at none.db"
    assert f"skykeep: warning: {said}" in cli("set", "a", "v").err
    lines = cli("set", "a", "w", "--output", "json").err.splitlines()
    assert json.loads(lines[0])["warning"]["message"].startswith(said)
    monkeypatch.setenv("SKYKEEP_LOG", "warning")
    assert f"skykeep: warning: {said}" in cli("set", "a", "x").err


def test_a_logged_exception_has_no_traceback(cli: Cli) -> None:
    ended_err = io.StringIO()
    invocation = Invocation()
    invocation.log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", ended_err)
        try:
            raise ValueError("canary")
        except ValueError:
            logging.getLogger("asyncio").exception("went wrong")
    assert ended_err.getvalue() == "skykeep: warning: went wrong\n"


def test_the_module_is_the_command(cli: Cli) -> None:
    assert cli.process("version").text == cli("version").text
    script = Path(sys.executable).parent / "skykeep"
    done = subprocess.run([script, "version"], stdout=subprocess.PIPE, check=True)
    assert done.stdout == cli("version").out


def test_printable() -> None:
    assert printable("é\n") == "é\n"
    assert printable("\x9b\x07") == "\\x9b\\x07"


def test_codes_are_numbers_that_a_shell_can_see() -> None:
    for ending in (*ERRORS.values(), *OTHERS.values()):
        assert 0 <= ending.code < 256
    assert exit_codes.USAGE == 2
