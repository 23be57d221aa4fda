r"""Terminal sessions as files: read, played in a real shell, written down again.

A file in ``transcripts/`` reads like a terminal::

    # A paragraph for the reader.
    $ printf s3cret | skykeep set db/password -
    db/password: version 1

    $ skykeep get nope
    2> skykeep: not found: there is no secret 'nope'
    2>   see the names: skykeep ls
    [exit 10]

``$`` begins a command and ``>`` goes on with it. What follows, up to an empty line, is what
it wrote: standard output as it is, then standard error behind ``2> ``, then the exit code
if it is not 0. ``[no newline]`` says that standard output does not end its last line. A line
of output that could be taken for one of these, or is empty, has ``\`` before it.

All commands of a file run in one bash, in a home of its own (``~`` in the output), without
a terminal and with nothing on standard input. ``[TIME]``, ``[STAMP]``, ``[ID]``,
``[DIGEST]``, ``[VERSION]`` and ``[PYTHON]`` stand for what differs from run to run.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import skykeep

FOLDER = Path(__file__).parent / "transcripts"

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_STAMP = re.compile(r"(?<!\d)\d{8}_\d{6}(_\d+)?(?!\w)")  # a backup's
_ID = re.compile(r"(?<=\.)[0-9a-f]{8}(?=\.counter\b)")  # a vault's
_DIGEST = re.compile(r'(?<= #)[0-9a-f]{8}\b|(?<="digest": ")[0-9a-f]{8}(?=")')  # diff's
_AGE = re.compile(r"(?<=\d \()\d{1,2}m(?=[),])")  # of what a slow machine made: "new"
_MARKED = re.compile(r"[$>] |2>|\[exit |\[no newline\]$|\\|$")

# The variables are the transcript's own; the driver's begin with two underscores.
_DRIVER = r"""
__code=0
for __file in "$1"/*.command; do
    __text=$(<"$__file")
    (exit "$__code")
    eval "$__text" >"${__file%command}out" 2>"${__file%command}err" </dev/null
    __code=$?
    echo "$__code" >"${__file%command}code"
done
"""


class Unreadable(Exception):
    """The file is no transcript: where, and why."""


@dataclass(frozen=True)
class Ran:
    """What a command gave."""

    out: str
    err: str
    code: int


@dataclass
class Step:
    """A command, as lines, and the prose before it."""

    prose: list[str]
    command: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.command)


def parse(text: str) -> tuple[list[Step], list[str]]:
    """The commands of a transcript, and the prose after the last. Raises ``Unreadable``."""
    steps: list[Step] = []
    prose: list[str] = []
    at = "prose"
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(prose, [line[2:]]))
            prose, at = [], "command"
        elif at == "command" and (line == ">" or line.startswith("> ")):
            steps[-1].command.append(line[2:])
        elif line == "":
            if at == "prose":
                prose.append(line)
            at = "prose"
        elif at == "prose":
            if not line.startswith("#"):
                raise Unreadable(
                    f"line {number} is neither prose (#) nor a command ($): {line}"
                )
            prose.append(line)
        else:
            at = "output"
    if not steps:
        raise Unreadable("there is no command in it")
    return steps, prose


def written(steps: list[Step], ran: list[Ran], after: list[str]) -> str:
    """The transcript of what happened."""
    parts = []
    for step, one in zip(steps, ran, strict=True):
        first, *rest = step.command
        lines = [*step.prose, f"$ {first}", *(f"> {line}".rstrip() for line in rest)]
        lines += [f"\\{row}" if _MARKED.match(row) else row for row in one.out.splitlines()]
        if one.out and not one.out.endswith("\n"):
            lines.append("[no newline]")
        lines += [f"2> {row}".rstrip() for row in one.err.splitlines()]
        if one.code:
            lines.append(f"[exit {one.code}]")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n" + "".join(f"{line}\n" for line in after)


def play(steps: list[Step], room: Path) -> list[Ran]:
    """Run the commands in the empty folder ``room``. Raises ``Unreadable``."""
    home, logs = room / "home", room / "logs"
    home.mkdir()
    logs.mkdir()
    for number, step in enumerate(steps):
        (logs / f"{number:03}.command").write_text(step.text, "utf-8")
    subprocess.run(
        [*apart(), "bash", "--noprofile", "--norc", "-c", _DRIVER, "bash", str(logs)],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        check=False,
        start_new_session=True,  # no terminal: nobody is asked
        timeout=240,
    )
    found = []
    for number, step in enumerate(steps):
        if not (logs / f"{number:03}.code").exists():
            raise Unreadable(f"the shell did not come back from: {step.text}")
        found.append(_ran(logs / f"{number:03}", home))
    return found


@cache
def apart() -> tuple[str, ...]:
    """Words before a command that give it a kernel keyring of its own, if that can be had.

    A user namespace has one (user_namespaces(7)): what is unlocked or locked in a test is
    neither met by another test nor by whoever runs them.
    """
    words = ("unshare", "--user", "--map-current-user")
    if shutil.which(words[0]) is None:
        return ()
    done = subprocess.run([*words, "true"], check=False, stderr=subprocess.DEVNULL)
    return words if done.returncode == 0 else ()


def environment(home: Path) -> dict[str, str]:
    """What a login shell of a new user has."""
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def masked(text: str, home: Path) -> str:
    """The text without what differs from run to run."""
    text = text.replace(str(home), "~")
    text = _TIME.sub("[TIME]", text)
    text = _STAMP.sub("[STAMP]", text)
    text = _ID.sub("[ID]", text)
    text = _AGE.sub("new", _DIGEST.sub("[DIGEST]", text))
    text = re.sub(rf"\b{re.escape(skykeep.__version__)}\b", "[VERSION]", text)
    return re.sub(rf"\b{re.escape(platform.python_version())}\b", "[PYTHON]", text)


def again(text: str, room: Path) -> str:
    """Play the transcript and write it down anew. Raises ``Unreadable``."""
    steps, after = parse(text)
    return written(steps, play(steps, room), after)


def _ran(stem: Path, home: Path) -> Ran:
    out, err = (
        masked(stem.with_suffix(kind).read_bytes().decode(errors="backslashreplace"), home)
        for kind in (".out", ".err")
    )
    return Ran(out, err, int(stem.with_suffix(".code").read_text()))
