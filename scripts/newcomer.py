"""``make newcomer``: the way of a newcomer, as the README prints it, on a fresh clone.

    python -m scripts.newcomer      everything in README.md above ``<!-- newcomer: end -->``

What git tracks, or would if it were added, is copied to an empty directory: what a clone of
the tree as it is now would hold. There, in a home with nothing in it, one shell runs every
command of the README's ``console`` blocks in their order, and writes each block that is
marked ``python file=NAME`` to that file. A command must print what the README shows below
it (times aside); one that shows nothing must succeed. So the README cannot drift from what
works. Needs git, GNU make, a package index, and about a minute.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from scripts.readme import plain

ROOT = Path(__file__).resolve().parent.parent
END = "<!-- newcomer: end -->"

# `make test` takes minutes, and is a step of CI by itself.
LEFT_OUT = ("make test",)

_BLOCK = re.compile(
    r"^```(?:(?P<console>console)|python file=(?P<file>[\w.-]+))\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PATIENCE = 900  # seconds: a guard against hangs
_STRANGERS = ("SKYKEEP_", "COVERAGE_", "XDG_", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS")

# The shell's own variables are the README's; the driver's begin with two underscores.
_DRIVER = r"""
__code=0
for __file in "$1"/*.command; do
    __text=$(<"$__file")
    echo "newcomer: \$ ${__text%%$'\n'*}"
    (exit "$__code")
    eval "$__text" >"${__file%command}shown" 2>&1 </dev/null
    __code=$?
    if [ "$__code" -ne 0 ] && [ -e "${__file%command}required" ]; then exit 1; fi
done
"""


class FailedError(Exception):
    """The README does not say what works."""


@dataclass
class Step:
    """A command, and what the README shows below it; or a file to be written.

    Attributes:
        command: as printed. Of a file, its name.
        shown: what it prints; nothing is shown of a command that only has to succeed.
        content: of the file.
    """

    command: str
    shown: str = ""
    content: str | None = field(default=None)


def steps(text: str) -> list[Step]:
    """What a newcomer does. Raises ``FailedError`` if that ends before an application ran."""
    path, mark, _ = text.partition(END)
    if not mark:
        raise FailedError(f"the README has no {END}")
    found: list[Step] = []
    for block in _BLOCK.finditer(path):
        if block["file"]:
            found.append(Step(block["file"], content=block["text"]))
            continue
        for line in block["text"].splitlines(keepends=True):
            if line.startswith("$ "):
                found.append(Step(line[2:].rstrip("\n")))
            elif not found or found[-1].content is not None:
                raise FailedError(f"this is below no command: {line}")
            else:
                found[-1].shown += line
    found = [step for step in found if not step.command.startswith(LEFT_OUT)]
    written = [step.command for step in found[:-1] if step.content is not None]
    if not any(name in found[-1].command for name in written) or not found[-1].shown:
        raise FailedError("the last command must run an application and show what it prints")
    return found


def clone(to: Path) -> None:
    """Copy the tree without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def environment(home: Path) -> dict[str, str]:
    """That of a new user, who gets packages as the user of this process does."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_STRANGERS)}
    # The Python that runs this, not its virtual environment, is the newcomer's `python3`.
    kept["PATH"] = f"{Path(sys.base_prefix) / 'bin'}:{kept['PATH']}"
    user = Path.home()
    kept.setdefault("PIP_CACHE_DIR", str(user / ".cache" / "pip"))
    for config in (user / ".config" / "pip" / "pip.conf", user / ".pip" / "pip.conf"):
        if config.exists():
            kept.setdefault("PIP_CONFIG_FILE", str(config))
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8"}


def play(found: list[Step], checkout: Path, home: Path, logs: Path) -> None:
    """Do the steps, beginning in ``checkout``. Raises ``FailedError`` at the first mismatch."""
    for number, step in enumerate(found):
        stem = logs / f"{number:03}"
        text = step.command
        if step.content is not None:
            stem.with_suffix(".content").write_text(step.content, "utf-8")
            text = f"cp '{stem}.content' {step.command}"
        stem.with_suffix(".command").write_text(text, "utf-8")
        if not step.shown:
            stem.with_suffix(".required").touch()
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", _DRIVER, "bash", str(logs)],
        cwd=checkout,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        check=False,
        start_new_session=True,  # no terminal: nobody is asked
        timeout=_PATIENCE,
    )
    last = len(found) - 1
    for number, step in enumerate(found):
        stem = logs / f"{number:03}"
        shown = stem.with_suffix(".shown").read_text("utf-8", "replace").replace(str(home), "~")
        if not step.shown:
            # The shell ends at the first required command that fails.
            if number < last and not (logs / f"{number + 1:03}.shown").exists():
                raise FailedError(f"$ {step.command}\n{shown}")
        elif plain(step.shown).strip() != plain(shown).strip():
            rows = difflib.unified_diff(
                step.shown.splitlines(), shown.splitlines(), "README", "now", lineterm=""
            )
            raise FailedError("\n".join([f"$ {step.command}", *rows]))


def main() -> int:
    """Do it all and say how it ended."""
    began = time.monotonic()
    try:
        found = steps((ROOT / "README.md").read_text("utf-8"))
        # A space in the path on purpose: users have directories like that.
        with tempfile.TemporaryDirectory(prefix="skykeep newcomer ") as directory:
            checkout, home, logs = (
                Path(directory, name) for name in ("skykeep", "home", "logs")
            )
            for folder in (checkout, home, logs):
                folder.mkdir()
            clone(checkout)
            play(found, checkout, home, logs)
    except FailedError as failure:
        print(f"newcomer: FAILED: {failure}")
        return 1
    print(
        f"newcomer: from a fresh clone to a secret in an application, {len(found)} steps of "
        f"the README in {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
