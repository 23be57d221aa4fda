"""Runs the pages that are sessions, and writes what the commands print into them.

    python -m scripts.docs_site.sessions         make the shown output anew
    python -m scripts.docs_site.sessions --check compare instead; exits 1 if it differs

A page's blocks are run in their order, in one shell, in an empty home:

- ``console``: lines that begin with ``$ `` are commands, ``> `` goes on with one, the rest
  is what they print, standard error included;
- a block after ``<!-- file: NAME -->`` is written to that file;
- ``<!-- before: COMMAND -->`` is run and not shown;
- a block after ``<!-- not run: REASON -->`` is left alone. Every other kind of block is an
  error: nothing on such a page is there without being tried.

Times, the spaces that align columns (``scripts.readme.plain``), numbers of versions of
programs, and the part of a vault's id in the name of its counter are taken as equal.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.readme import plain

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "docs/tutorial.md",
    "docs/guides/ci.md",
    "docs/guides/containers.md",
    "docs/guides/troubleshooting.md",
)

_STEP = re.compile(
    r"^<!-- (?P<what>file|before|not run): (?P<said>.*?) -->\n"
    r"|^```(?P<kind>\w*)\n(?P<body>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
_RECORD = "\x1e"
_HEREDOC = "END_OF_FILE_ON_THE_PAGE"


class PageError(Exception):
    """A page that cannot be run, with the place in it."""


@dataclass
class Step:
    """One command of a page.

    Attributes:
        command: what the shell gets.
        shown: the lines as the page has them, or None if it is not shown.
        span: where its block is in the page: from the first to behind the last character.
    """

    command: str
    shown: str | None
    span: tuple[int, int]


def steps(text: str) -> list[Step]:
    """What the page does. Raises ``PageError`` for a block that nothing is said of."""
    found: list[Step] = []
    mark: tuple[str, str] | None = None
    for step in _STEP.finditer(text):
        span = step.span("body")
        if step["what"] == "before":
            found.append(Step(step["said"], None, step.span()))
        elif step["what"]:
            mark = (step["what"], step["said"])
        else:
            if mark and mark[0] == "file":
                found.append(Step(_written(mark[1], step["body"]), None, span))
            elif not mark and step["kind"] == "console":
                found += [
                    Step(command, lines, span) for command, lines in _commands(step["body"])
                ]
            elif not mark:
                line = text.count("\n", 0, step.start()) + 1
                raise PageError(f"line {line}: a block of {step['kind']!r} that nobody runs")
            mark = None
    return found


def _written(name: str, body: str) -> str:
    return f"cat > {shlex.quote(name)} <<'{_HEREDOC}'\n{body}{_HEREDOC}"


def _commands(body: str) -> list[tuple[str, str]]:
    """Each command of a session, and its lines."""
    found: list[tuple[list[str], list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], [line]))
        elif line.startswith("> ") and found and len(found[-1][0]) == len(found[-1][1]):
            found[-1][0].append(line[2:])
            found[-1][1].append(line)
        elif found:
            continue
        else:
            raise PageError(f"a session begins with what is no command: {line!r}")
    return [("\n".join(command), "\n".join(lines)) for command, lines in found]


def run(found: list[Step]) -> list[str]:
    """What each step prints, in one shell, with ``~`` for its home."""
    with tempfile.TemporaryDirectory(prefix="skykeep-page-") as home:
        script = Path(home, ".page.sh")
        script.write_text("".join(map(_scripted, found)), encoding="utf-8")
        bin_ = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", str(script)],
            cwd=home,
            env={
                "HOME": home,
                "PATH": f"{bin_}:{os.environ['PATH']}",
                "LANG": "C.UTF-8",
                "XDG_CONFIG_HOME": f"{home}/.config",
                "XDG_DATA_HOME": f"{home}/.local/share",
                "XDG_CACHE_HOME": f"{home}/.cache",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        printed = done.stdout.decode("utf-8", "replace").replace(home, "~").split(_RECORD)
    if len(printed) != len(found) + 1:
        raise PageError(f"the shell ended early; it printed last:\n{printed[-1]}")
    return printed[:-1]


def _scripted(step: Step) -> str:
    """The command, a mark behind what it prints, and its exit code for the next one."""
    return f"{step.command}\n_code=$?; printf '\\036'; (exit $_code)\n"


def made(text: str) -> str:
    """The page with what its commands print now. Raises ``PageError``."""
    found = steps(text)
    blocks: dict[tuple[int, int], str] = {}
    for step, output in zip(found, run(found), strict=True):
        if step.shown is not None:
            ended = output if not output or output.endswith("\n") else f"{output}\n"
            blocks[step.span] = f"{blocks.get(step.span, '')}{step.shown}\n{ended}"
        elif output:
            raise PageError(f"this is not shown and prints:\n{step.command}\n{output}")
    for (start, end), block in sorted(blocks.items(), reverse=True):
        text = text[:start] + block + text[end:]
    return text


def same(text: str) -> str:
    """The text without what differs from run to run and from machine to machine."""
    text = re.sub(r"\.[0-9a-f]{8}(?=\.counter\b)", ".ID", text)
    return plain(re.sub(r"\b\d+\.\d+\.\d+\b", "VERSION", text))


def difference(name: str) -> str:
    """What the page shows and its commands no longer print; ``""`` if all is as shown."""
    shown = (ROOT / name).read_text(encoding="utf-8")
    now = made(shown)
    if same(shown) == same(now):
        return ""
    return "".join(
        difflib.unified_diff(
            shown.splitlines(keepends=True), now.splitlines(keepends=True), name, "now"
        )
    )


def main(arguments: list[str]) -> int:
    """Write or compare all pages."""
    if arguments == ["--check"]:
        found = [difference(name) for name in PAGES]
        print("".join(found), end="")
        return int(any(found))
    for name in PAGES:
        page = ROOT / name
        page.write_text(made(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
