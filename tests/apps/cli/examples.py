"""The examples in the commands' helps, run as somebody at a terminal would.

Each runs in a shell at a pseudo terminal, in a copy of one prepared home
(``examples_home.py``). Questions are answered; programs that an example mentions and that
a machine may not have are stood in for by scripts. What ``skykeep`` was called with, and
how each call ended, is kept by a script of that name that is found first.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tests.apps.cli.transcript import apart, environment

ANSWER = "an answer long enough"  # to whatever is asked without being shown
_QUESTIONS = re.compile(
    r"(?P<yes>\[y/N\] $)|type (?P<name>\S+): $|(?:passphrase|password|value|again)[^\n]*: $",
    re.IGNORECASE,
)
_PATIENCE = 60  # seconds without a word: a guard against hangs


def commands(
    group: click.Group, parent: click.Context | None = None, words: str = ""
) -> Iterator[tuple[str, click.Context]]:
    """Every command below ``group`` that is not hidden: its words, and a context."""
    context = parent or group.make_context("skykeep", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{name} is in the list and not there"
        if command.hidden:
            continue
        below = command.make_context(name, [], parent=context, resilient_parsing=True)
        full = f"{words} {name}".strip()
        yield full, below
        if isinstance(command, click.Group):
            yield from commands(command, below, full)


def examples(context: click.Context) -> list[str]:
    """The lines under ``Examples:`` in the help, without those that are comments."""
    _, mark, text = context.get_help().partition("\nExamples:\n")
    lines = [line.strip() for line in text.splitlines()] if mark else []
    return [line for line in lines if line and not line.startswith("#")]


def without_example(group: click.Group) -> list[str]:
    """The commands none of whose examples calls them."""
    return [
        words
        for words, context in commands(group)
        if not any(calls(line, words) for line in examples(context))
    ]


def calls(line: str, words: str) -> bool:
    """Whether ``line`` calls the command, perhaps with options between its words."""
    between = r"\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*?"
    parts = between.join(map(re.escape, ["skykeep", *words.split()]))
    return re.search(rf"(?<![\w.-]){parts}(?![\w-])", line) is not None


@dataclass(frozen=True)
class Outcome:
    """How an example ended.

    Attributes:
        code: of the shell.
        shown: on the terminal.
        calls: the exit code of each ``skykeep``, and its arguments.
    """

    code: int
    shown: str
    calls: list[tuple[int, str]]


def run(line: str, home: Path, shell: tuple[str, ...]) -> Outcome:
    """Run a line at a terminal in ``home/app``, and end what it left behind."""
    log = home / "calls"
    log.write_text("")
    environ = at_home(home)
    words = [*apart(), *shell, line]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home / "app")
        os.execvpe(words[0], words, environ)
    try:
        shown = _converse(terminal)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _end_all_of(home, pid)
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    found = [row.split(" ", 1) for row in log.read_text().splitlines()]
    return Outcome(
        os.waitstatus_to_exitcode(status),
        shown,
        [(int(code), words) for code, words in found],
    )


def at_home(home: Path) -> dict[str, str]:
    """The environment of the examples: the stand-ins are found first."""
    environ = environment(home)
    return environ | {
        "PATH": f"{home}/programs:{environ['PATH']}",
        "TERM": "dumb",
        "EDITOR": "editor",
        "DISPLAY": ":99",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",  # nobody is asked for credentials
        # It asks for the password of its file: the keyring of a desktop is in nobody's test.
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.EncryptedKeyring",
        "GITHUB_ENV": str(home / "github-env"),
        "TOKEN": "a-made-up-token",
        "SKYKEEP_REAL": str(Path(sys.executable).parent / "skykeep"),
    }


def _converse(terminal: int) -> str:
    """Answer what is asked until all that could ask have ended; returns what was shown."""
    shown = unanswered = ""
    while True:
        ready, _, _ = select.select([terminal], [], [], _PATIENCE)
        assert ready, f"neither ended nor asked what is known: {shown}"
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # the other side is closed
            data = b""
        if not data:
            return shown.replace("\r\n", "\n")
        shown += data.decode(errors="replace")
        unanswered += data.decode(errors="replace")
        if asked := _QUESTIONS.search(unanswered):
            answer = "y" if asked["yes"] else asked["name"] or ANSWER
            os.write(terminal, f"{answer}\n".encode())
            unanswered = ""


def _end_all_of(home: Path, shell: int) -> None:
    """End what still runs of the example, such as the one that would empty the clipboard.

    Known by the ``HOME`` in their environment, which no other process has. Without /proc
    they end by themselves, after seconds.
    """
    mark = f"HOME={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                pid = int(process.name)
                if pid != shell:
                    os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            continue  # it ended meanwhile, or is somebody else's
