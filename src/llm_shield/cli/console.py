"""What goes out: to standard output what was asked for, to standard error all else."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
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

    def bytes(self, data: bytes) -> None:
        """Exactly these bytes. Raises ``OutputFailed``, ``BrokenPipeError``."""
        try:
            sys.stdout.flush()
            rest = memoryview(data)
            while rest:
                rest = rest[sys.stdout.buffer.write(rest) or 0 :]
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError, AttributeError) as error:
            raise OutputFailed(getattr(error, "strerror", None) or "it is closed") from None

    def text(self, text: str) -> None:
        """A line of text, or several."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.bytes(f"{text}\n".encode(encoding, "backslashreplace"))

    def document(self, value: Any) -> None:
        """A JSON document. ASCII, so that no terminal or locale changes it."""
        self.bytes(f"{json.dumps(value, indent=2)}\n".encode("ascii"))

    def note(self, text: str) -> None:
        """Something to know that is not the answer. Left out of JSON."""
        if not self.json:
            self._error_line(text)

    def warn(self, message: str, more: Mapping[str, object] | None = None) -> None:
        """Something to look after, though the command goes on."""
        if self.json:
            self._error_line(json.dumps({"warning": {"message": message, **(more or {})}}))
        else:
            self._error_line(f"{self.paint('shield: warning:', '33')} {printable(message)}")

    def error(
        self, words: str, message: str, hint: str, document: Mapping[str, object]
    ) -> None:
        """Why the command ends."""
        if self.json:
            self._error_line(json.dumps({"error": document}))
            return
        first, *rest = message.split("\n")
        lines = [f"{self.paint(f'shield: {words}:', '31')} {printable(first)}"]
        lines += [f"  {printable(line)}" for line in (*rest, *hint.split("\n")) if line]
        self._error_line("\n".join(lines))

    def paint(self, text: str, code: str, stream: TextIO | None = None) -> str:
        """The text in an ANSI colour if the stream (standard error) is a terminal."""
        plain = (
            not self.color
            or os.environ.get("NO_COLOR")
            or os.environ.get("TERM") == "dumb"
            or not is_terminal(sys.stderr if stream is None else stream)
        )
        return text if plain else f"\x1b[{code}m{text}\x1b[0m"

    @staticmethod
    def _error_line(text: str) -> None:
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            pass  # nobody listens; the exit code still tells


class Progress:
    """``scanned: 12,000 lines, 43 %, 3,100 a second`` on a terminal, after half a second."""

    def __init__(self, what: str, console: Console, total: int = 0) -> None:
        """``total``: of what is counted beside the lines, 0 if it is not known."""
        self._what = what
        self._total = total
        self._shown = not console.json and is_terminal(sys.stderr)
        self._begun = time.monotonic()
        self._next = self._begun + 0.5
        self._length = 0

    def at(self, count: int, done: int = 0) -> None:
        """``count`` lines are done, and ``done`` of the total."""
        if not self._shown or (now := time.monotonic()) < self._next:
            return
        self._next = now + 0.1
        text = f"{self._what}: {count:,} lines"
        if self._total:
            text += f", {100 * done // self._total} %"
        text += f", {count / (now - self._begun):,.0f} a second"
        self._length = max(self._length, len(text))
        self._write(f"\r{text:<{self._length}}")

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


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text."""
    shown = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in shown) for index in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


def counted(number: int, noun: str) -> str:
    """``1 finding``, ``1,000 findings``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
