"""What goes out: to standard output what was asked for, to standard error all else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO


class OutputFailed(Exception):
    """Standard output cannot be written: it is closed, or the disk behind it is full."""


class Console:
    """The two streams.

    Attributes:
        json: the answer is JSON, and every line on standard error one JSON object.
        color: False never colours; otherwise terminals are, unless ``NO_COLOR`` is set.
    """

    def __init__(self) -> None:
        self.json = False
        self.color = True

    # -- standard output

    def bytes(self, data: bytes) -> None:
        """Exactly these bytes. Raises ``OutputFailed``, ``BrokenPipeError``."""
        stream = sys.stdout
        if stream is None:
            raise OutputFailed("it is closed")
        try:
            stream.flush()
            rest = memoryview(data)
            while rest:
                # With PYTHONUNBUFFERED a write may take a part only, as the pipe has room.
                rest = rest[stream.buffer.write(rest) or 0 :]
            stream.buffer.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise OutputFailed(getattr(error, "strerror", None) or "it is closed") from None

    def text(self, text: str = "") -> None:
        """A line of text, or several."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.bytes(f"{text}\n".encode(encoding, "backslashreplace"))

    def document(self, value: Any) -> None:
        """A JSON document. ASCII, so that no terminal or locale changes it."""
        import json

        self.bytes(f"{json.dumps(value, indent=2)}\n".encode("ascii"))

    def line(self, value: Any) -> None:
        """A JSON document on a line of its own: one of many."""
        import json

        self.bytes(f"{json.dumps(value)}\n".encode("ascii"))

    # -- standard error

    def note(self, text: str) -> None:
        """Something to know that is not the answer. Left out of JSON."""
        if not self.json:
            self._error_line(text)

    def warn(self, message: str) -> None:
        """Something to look after, though the command goes on."""
        if self.json:
            self.error_document({"warning": {"message": message}})
        else:
            self._error_line(f"{self.paint('skykeep: warning:', '33')} {printable(message)}")

    def error(self, first: str, rest: Sequence[str] = ()) -> None:
        """Why the command ends: ``skykeep: first``, and indented lines."""
        head, _, tail = first.partition(": ")
        lines = [f"{self.paint(f'skykeep: {head}:', '31')} {printable(tail)}".rstrip()]
        lines += [f"  {printable(line)}" for line in rest]
        self._error_line("\n".join(lines))

    def error_document(self, value: Any) -> None:
        """One JSON object on one line."""
        import json

        self._error_line(json.dumps(value))

    @staticmethod
    def _error_line(text: str) -> None:
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass  # nobody listens; the exit code still tells

    # -- terminals

    def paint(self, text: str, code: str, stream: TextIO | None = None) -> str:
        """The text in an ANSI colour if the stream (standard error) is a terminal."""
        stream = sys.stderr if stream is None else stream
        plain = (
            not self.color
            or os.environ.get("NO_COLOR")
            or os.environ.get("TERM") == "dumb"
            or not is_terminal(stream)
        )
        return text if plain else f"\x1b[{code}m{text}\x1b[0m"


class Progress:
    """``reading: 12,000`` on a terminal, once something takes longer than half a second."""

    def __init__(self, what: str, console: Console) -> None:
        self._what = what
        self._shown = not console.json and is_terminal(sys.stderr)
        self._next = time.monotonic() + 0.5
        self._length = 0

    def at(self, count: int) -> None:
        """``count`` are done."""
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            text = f"{self._what}: {count:,}"
            self._length = max(self._length, len(text))
            self._write(f"\r{text}")

    def end(self) -> None:
        """Take the line away."""
        if self._length:
            self._write(f"\r{' ' * self._length}\r")
            self._length = 0

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits there."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def printable(text: str) -> str:
    """The text without control characters, which could rewrite a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC: ``2026-12-01T10:00:00.123456Z``."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def short_moment(at: datetime | None) -> str:
    """To the second, for people: ``2026-12-01 10:00:00Z``; ``-`` if there is none."""
    if at is None:
        return "-"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def counted(number: int, noun: str) -> str:
    """``1 secret``, ``1,000 secrets``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def pairs(values: Mapping[str, str]) -> str:
    """``a=1, b=2``; ``-`` if there are none."""
    return ", ".join(f"{key}={value}" for key, value in sorted(values.items())) or "-"


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text."""
    shown = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in shown) for index in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )
