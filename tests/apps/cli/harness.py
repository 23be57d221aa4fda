"""Runs the command line: in this process, in one of its own, or at a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skykeep.apps.cli import main, prompt


@dataclass(frozen=True)
class Ended:
    """What a run gave."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a run with ``--output json``."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return found


class Stream(io.TextIOWrapper):
    """Standard input or output over bytes; ``terminal`` is what ``isatty`` says."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        self.kept = io.BytesIO(data)
        self.terminal = terminal
        super().__init__(self.kept, encoding="utf-8", newline="\n")

    def isatty(self) -> bool:
        return self.terminal


class Cli:
    """skykeep with a home of its own and nobody at the terminal.

    ``terminal`` makes the streams look like one.
    """

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.key_file = home.parent / "keys" / "vault.key"
        self.patch = patch
        for name in [*os.environ]:
            if name.startswith(("SKYKEEP_", "_SKYKEEP")) or name == "NO_COLOR":
                patch.delenv(name)
        patch.setenv("SKYKEEP_HOME", str(home))
        patch.setattr(prompt, "TTY", str(home / "no-terminal"))
        work = home.parent / "work"
        work.mkdir(exist_ok=True)
        patch.chdir(work)

    def __call__(
        self, *args: str, stdin: bytes = b"", code: int | None = 0, terminal: bool = False
    ) -> Ended:
        """Run in this process and expect the exit code (None: any)."""
        out, err = Stream(terminal=terminal), Stream(terminal=terminal)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", Stream(stdin, terminal=terminal))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            found = main(list(args))
        err.flush()
        ended = Ended(found, out.kept.getvalue(), err.kept.getvalue().decode())
        if code is not None:
            assert ended.code == code, f"{args}: {ended}"
        return ended

    def types(self, *lines: str) -> list[str]:
        """Somebody is there and types these; returns the list of what was asked."""
        asked: list[str] = []
        rest = list(lines)

        def answer(question: str) -> str:
            asked.append(question)
            if not rest:
                raise EOFError
            return rest.pop(0)

        terminal = self.home.parent / "terminal"
        terminal.touch()
        self.patch.setattr(prompt, "TTY", str(terminal))
        self.patch.setattr("getpass.getpass", answer)
        return asked

    def init(self) -> Cli:
        """Make a vault with a key file."""
        self("init", "--key-file", str(self.key_file))
        return self

    def configure(self, text: str) -> Path:
        """Write ``skykeep.yaml`` where it is found."""
        self.home.mkdir(parents=True, exist_ok=True)
        path = self.home / "skykeep.yaml"
        path.write_text(text)
        return path

    def process(
        self, *args: str, stdin: bytes = b"", code: int | None = 0, **options: Any
    ) -> Ended:
        """Run in a process of its own, without a controlling terminal."""
        done = subprocess.run(
            [*COMMAND, *args],
            input=stdin,
            capture_output=True,
            start_new_session=True,
            timeout=60,
            # As Python sees it: GNU readline adds COLUMNS and LINES behind its back.
            env=dict(os.environ),
            check=False,
            **options,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr.decode())
        if code is not None:
            assert ended.code == code, f"{args}: {ended}"
        return ended


COMMAND = (sys.executable, "-m", "skykeep")
