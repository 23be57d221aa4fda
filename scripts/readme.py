"""The command line session in README.md, made from real output: ``make readme``.

The commands are in this file; what they print is put between the markers. ``--check``
compares instead of writing (times and durations are taken as equal) and exits 1 if the
README shows something that the commands no longer print.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- session: begin -->", "<!-- session: end -->"
BIN = str(Path(sys.executable).parent)

SESSION = """\
skykeep init --key-file ~/skykeep.key
printf 's3cret' | skykeep set db/password -
skykeep set db/password --generate 32 --tag team=storage
skykeep get db/password --version 1
skykeep ls -l
skykeep history db/password
skykeep run --prefix db/ -- sh -c 'echo "${#DB_PASSWORD} characters"'
skykeep get db/pasword
echo $?
"""


def session() -> str:
    """What a shell shows."""
    shown = []
    with tempfile.TemporaryDirectory(prefix="skykeep-readme-") as home:
        environ = {
            "HOME": home,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
        }
        before = 0
        for command in SESSION.splitlines():
            done = subprocess.run(
                ["bash", "-c", f"(exit {before}); {command}"],
                cwd=home,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            before = done.returncode
            output = done.stdout.replace(home, "~")
            if output and not output.endswith("\n"):
                output += "\n"
            shown.append(f"$ {command}\n{output}")
    return "".join(shown)


def plain(text: str) -> str:
    """The text without what differs from run to run: times, and the spaces that align them."""
    text = re.sub(
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?", "TIME", text
    )
    return re.sub(r"[ ─-]+", " ", text)


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    made = f"\n```console\n{session()}```\n"
    if not check:
        README.write_text(f"{before}{BEGIN}{made}{END}{after}")
        return 0
    if plain(shown) == plain(made):
        print("readme: the session is what the commands print")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            shown.splitlines(keepends=True), made.splitlines(keepends=True), "README", "now"
        )
    )
    print("readme: the session is out of date; make it anew: make readme")
    return 1


if __name__ == "__main__":
    sys.exit(main())
