"""GitHub Actions: commands that mask the values in the log, and lines for ``$GITHUB_ENV``.

GitHub's "Workflow commands": a value of several lines stands between two lines with a
delimiter that it does not have; data of commands escapes ``%``, carriage return and newline
(actions/toolkit, ``command.ts``); a masked value of several lines also masks each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, broken, decoded, variable
from skykeep.errors import Invalid

_KEPT = ("GITHUB_", "RUNNER_")


def masks(values: Sequence[Outgoing]) -> str:
    """The commands for the runner, to be written to standard output before the values."""
    found = []
    for one in values:
        text = one.text("github-actions")
        if text.strip():  # the runner refuses to mask nothing
            for plain, escape in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
                text = text.replace(plain, escape)
            found.append(f"::add-mask::{text}\n")
    return "".join(found)


def quoted(text: str) -> str:
    """What follows the name: the value between delimiters."""
    lines = set(text.split("\n"))
    number = 0
    while (mark := f"SKYKEEP_{number}") in lines:
        number += 1
    return f"<<{mark}\n{text}\n{mark}"


def write(values: Sequence[Outgoing]) -> str:
    """The lines for ``$GITHUB_ENV``. Raises ``Invalid``, also for a name the runner keeps."""
    lines = []
    for one in values:
        if one.key.upper().startswith(_KEPT) or one.key.upper() == "NODE_OPTIONS":
            raise Invalid(
                f"GitHub Actions keeps the variable {one.key} for itself",
                hint=f"keep {one.name} under another name",
            )
        lines.append(f"{one.key}{quoted(one.text('github-actions'))}\n")
    return "".join(lines)


def read(data: bytes, source: str) -> list[Item]:
    """The variables of such a file; masking commands are passed over. Raises ``Invalid``."""
    lines = decoded(data, source).split("\n")
    found: list[Item] = []
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if not line.strip() or line.startswith("::add-mask::"):
            continue
        name, equals, value = line.partition("=")
        if "<<" in name:  # before the first "=": which of the two comes first decides
            name, _, mark = line.partition("<<")
            start = at
            while at < len(lines) and lines[at] != mark:
                at += 1
            if at == len(lines) or not mark:
                raise broken(source, start, "the delimiter of this value does not come back")
            value, equals, at = "\n".join(lines[start:at]), "=", at + 1
        if not name or not equals:
            raise broken(source, at, "this is neither NAME=value nor NAME<<DELIMITER")
        found.append(variable(name, value))
    return found
