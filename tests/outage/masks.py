"""What differs from night to night in what is printed, made the same for every night."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_JOURNAL = re.compile(r"(?<=/production-)[0-9a-f]{8}(?=\.)")
# Of AWS: ours are of a revision, others' are UUIDs; a table shows their beginning.
_VERSION = re.compile(r"\bskykeep-[0-9a-f]+|\b[0-9a-f]{8}-[0-9a-f]{2}[0-9a-f-]*")
# How long things took. What is configured (2 s for a try, 5 tries) stays.
_SECONDS = re.compile(
    r"(?<=answers again after )[\d.e+]+|(?<=next probe in )[\d.]+|(?<=not answered for )[\d.]+"
    r"|(?<=tried again in )[\d.]+|(?<=which is )[\d,]+(?= s behind)"
    r"|(?<=\"age\": )[\d.]+|(?<=\"revision\": )\d+"
)
_ANSWER = re.compile(r"(?<=  )\d+ ms(?=  )")
_AGE = re.compile(r"(?<= )\d+[smhd](?=  )|(?<=\d \()(\d+[smhd]|new)(?=[,)])")
_DIGEST = re.compile(r"#([0-9a-f]{8})\b")
_GAP = re.compile(r" {2,}")


@dataclass
class Masks:
    """One night's. ``home`` is shown as ``~``."""

    home: Path
    _letters: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """The text of one command, or of one piece of a log. Digests that are the same in it
        stay the same."""
        text = text.replace(str(self.home), "~")
        text = _CLOCK.sub("[TIME]", text)
        text = _PORT.sub("[PORT]", text)
        text = _JOURNAL.sub("[ID]", text)
        text = _VERSION.sub("[VERSION]", text)
        text = _SECONDS.sub("[N]", text)
        text = _ANSWER.sub("[N] ms", text)
        text = _AGE.sub("[AGE]", text)
        letters: dict[str, str] = {}

        def letter(found: re.Match[str]) -> str:
            return f"#[{letters.setdefault(found[1], chr(ord('A') + len(letters)))}]"

        return aligned(_DIGEST.sub(letter, text))


def aligned(text: str) -> str:
    """The text with the columns of its tables as wide as what is in them now.

    A table begins with a line of capitals; its rows have as many cells, or leave the last out.
    """
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        head = _cells(lines[at])
        rows = [head]
        if len(head) > 1 and lines[at].upper() == lines[at]:
            while at + len(rows) < len(lines):
                row = _cells(lines[at + len(rows)])
                if not 1 < len(row) <= len(head):
                    break
                rows.append([*row, *[""] * (len(head) - len(row))])
        if len(rows) > 1:
            indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for number, row in enumerate(rows):
                padded = (cell.ljust(width) for cell, width in zip(row, wide, strict=True))
                lines[at + number] = f"{indent}{'  '.join(padded)}".rstrip()
        at += len(rows)
    return "\n".join(lines)


def _cells(line: str) -> list[str]:
    return _GAP.split(line.strip())
