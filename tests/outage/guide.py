"""Plays docs/guides/outage.md on real servers, and writes what happens into it.

    python -m tests.outage.guide           make the shown output anew (make outage)
    python -m tests.outage.guide --check   compare instead; exits 1 if it differs

What is done in the night is on the page itself, from top to bottom:

- ``<!-- file: NAME -->``: the block after it is written to that file;
- ``<!-- before: COMMAND -->`` is run, and neither it nor what it prints is shown;
- ``<!-- night: WORDS -->`` happens: see ``night.Night.events``;
- ``console`` blocks: ``$ `` begins a command, the rest is what it prints;
- ``<!-- log: TEXT -->``: the block after it is what the library has logged in the application
  since the last such block, up to the line with TEXT, which is waited for;
- ``<!-- said: TEXT -->``: it is the newest line of the application's own, which has this text.

Every other block is an error: nothing on the page is there without having happened. So is a
line that the library logged and the page does not show. ``masks.py`` takes out what differs
from night to night.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.outage.masks import Masks
from tests.outage.night import Night, Unexpected, night
from tests.peers import aws, openbao, places
from tests.peers.peer import MOTO_MENDED, OPENBAO

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "outage.md"

_STEP = re.compile(
    r"^<!-- (?P<what>file|before|night|log|said): (?P<words>.*?) -->\n"
    r"|^```(?P<kind>\w*)\n(?P<body>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)


def played(text: str, one: Night) -> str:
    """The page with what happens in this night. Raises ``Unexpected``."""
    masks = Masks(one.home)
    parts: list[str] = []
    end = 0
    mark: tuple[str, str] | None = None
    for step in _STEP.finditer(text):
        what, words = step["what"], step["words"]
        if what in {"before", "night"}:
            if what == "night":
                one.happens(words)
            else:
                said = one.shell(words)
                if one.code:
                    raise Unexpected(f"this ended with {one.code}: {words}\n{said}")
        elif what:
            mark = (what, words)
        else:
            body = _block(step["kind"], step["body"], mark, one)
            parts += [text[end : step.start("body")], masks(body)]
            end, mark = step.end("body"), None
    one.end()
    return "".join([*parts, text[end:]])


def _block(kind: str, body: str, mark: tuple[str, str] | None, one: Night) -> str:
    match mark:
        case ("file", name):
            (one.home / name).write_text(body, encoding="utf-8")
            return body
        case ("log", end):
            return one.log(end)
        case ("said", text):
            return one.said(text)
    if kind != "console":
        raise Unexpected(f"a block of {kind!r} that nobody plays: {body}")
    commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{one.shell(command)}" for command in commands)


def difference(shown: str, now: str) -> str:
    """What the page shows and does not happen, as a diff; ``""`` if all is as shown."""
    before, after = shown.splitlines(keepends=True), now.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, PAGE.name, "what happens now"))


def main(arguments: list[str]) -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.outage.guide")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    for peer in (MOTO_MENDED, OPENBAO):
        if (reason := places.missing(peer)) is not None:
            sys.stderr.write(f"outage: {peer.name}: {reason}\n")
            return 2
    shown = PAGE.read_text(encoding="utf-8")
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skykeep-outage-")))
        for name in ("home", "aws", "vault"):
            (room / name).mkdir()
        cloud = stack.enter_context(aws.moto_mended(room / "aws"))
        vault = stack.enter_context(openbao.development(room / "vault"))
        now = played(shown, stack.enter_context(night(room / "home", cloud, vault)))
    if check:
        found = difference(shown, now)
        sys.stdout.write(found or "outage: the page shows what happens\n")
        return int(bool(found))
    PAGE.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
