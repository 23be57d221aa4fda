"""At a real terminal, a pseudo one: questions, hidden typing, Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from skykeep.apps.cli import prompt
from tests.apps.cli.harness import COMMAND, Cli
from tests.apps.cli.test_init import CHEAP

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, *args: str, redirect: str = "") -> None:
        words = [*COMMAND, *args]
        if redirect:
            words = ["sh", "-c", f'"$@" {redirect}', "sh", *words]
        self.seen = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvp(words[0], words)

    def expect(self, text: str) -> None:
        """Read until the text appears."""
        end = time.monotonic() + 30
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited for {text!r}, saw {self.seen!r}"
            try:
                self.seen += os.read(self.terminal, 4096)
            except OSError:
                pytest.fail(f"ended before {text!r}: {self.seen!r}")
        self.seen = self.seen.split(text.encode(), 1)[1]

    def type(self, text: str) -> None:
        time.sleep(0.05)  # getpass drops what was typed before it asked
        os.write(self.terminal, text.encode())

    def end(self) -> tuple[int, str]:
        """The exit code and all that was still shown."""
        while True:
            try:
                data = os.read(self.terminal, 4096)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            self.seen += data
        os.close(self.terminal)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.seen.decode().replace("\r\n", "\n")


@pytest.fixture
def locked(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A vault with the passphrase ``pass``, which is not in the environment."""
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "pass")
    bare("init", *CHEAP)
    bare("set", "a", "value")
    monkeypatch.delenv("SKYKEEP_PASSPHRASE")
    return bare


def test_init_set_and_get(bare: Cli) -> None:
    terminal = Terminal("init", *CHEAP)
    for question in ("New passphrase: ", "Again: "):
        terminal.expect(question)
        terminal.type("canary\n")
    code, shown = terminal.end()
    assert code == 0
    assert "canary" not in shown

    terminal = Terminal("set", "a")
    for question, answer in (
        ("Value: ", "typed"),
        ("Again: ", "typed"),
        ("Passphrase: ", "canary"),
    ):
        terminal.expect(question)
        terminal.type(f"{answer}\n")
    code, shown = terminal.end()
    assert (code, "typed" in shown, "canary" in shown) == (0, False, False)

    terminal = Terminal("get", "a")
    terminal.expect("Passphrase: ")
    terminal.type("canary\n")
    code, shown = terminal.end()
    assert code == 0
    assert shown.endswith("\ntyped\n")


def test_the_passphrase_is_asked_for_beside_a_pipe(locked: Cli) -> None:
    terminal = Terminal("set", "a", "-", redirect="< /etc/hostname > out.txt")
    terminal.expect("Passphrase: ")
    terminal.type("pass\n")
    assert terminal.end()[0] == 0
    assert Path("out.txt").read_text("utf-8") == "a: version 2\n"


def test_a_wrong_passphrase(locked: Cli) -> None:
    terminal = Terminal("get", "a")
    terminal.expect("Passphrase: ")
    terminal.type("wrong\n")
    code, shown = terminal.end()
    assert code == 20
    assert "key failure:" in shown


@pytest.mark.parametrize(("typed", "code"), [("\x03", 130), ("\x04", 20), ("\n", 20)])
def test_a_question_that_is_not_answered(locked: Cli, typed: str, code: int) -> None:
    """One Ctrl-C is enough, although an event loop runs."""
    terminal = Terminal("get", "a")
    terminal.expect("Passphrase: ")
    terminal.type(typed)
    ended, shown = terminal.end()
    assert ended == code
    assert "Traceback" not in shown
    assert "never retrieved" not in shown


def test_a_value_in_argv_and_a_yes(cli: Cli) -> None:
    terminal = Terminal("set", "a", "v")
    code, shown = terminal.end()
    assert code == 0
    assert "shell's history" in shown
    terminal = Terminal("rm", "a", "--purge")
    terminal.expect("[y/N] ")
    terminal.type("y\n")
    assert terminal.end()[0] == 0
    cli("set", "a", "v")
    terminal = Terminal("rm", "a", "--purge")
    terminal.expect("[y/N] ")
    terminal.type("\x03")
    assert terminal.end()[0] == 130
    assert cli("get", "a").text == "v"


def test_get_shows_no_control_characters(cli: Cli) -> None:
    cli("set", "a", "-", stdin=b"\x1b[2Jx")
    code, shown = Terminal("get", "a").end()
    assert code == 13
    assert "\x1b[2J" not in shown


def test_what_cannot_be_decoded(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def undecodable(question: str) -> str:
        raise UnicodeDecodeError("utf-8", b"canary\xff", 6, 7, "canary")

    bare.types()
    monkeypatch.setattr("getpass.getpass", undecodable)
    assert "canary" not in bare("init", *CHEAP, code=13).err


def test_outside_the_main_thread(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    bare.types("typed")
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(prompt.passphrase("Passphrase")))
    thread.start()
    thread.join()
    assert answers == ["typed"]


def test_windows_asks_at_its_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "_HAS_TTY", False)
    monkeypatch.setattr(prompt, "is_terminal", lambda stream: True)
    assert prompt.terminal_question() is prompt.passphrase


def test_the_interrupt_handler_is_put_back(bare: Cli) -> None:
    before = signal.getsignal(signal.SIGINT)
    bare.types("typed")
    prompt.passphrase("Passphrase")
    assert signal.getsignal(signal.SIGINT) is before
