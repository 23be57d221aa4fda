"""What `scan` looks at: the files of a tree, or the lines that a git diff adds."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from skykeep.errors import Denied, Invalid, NotFound

_PIECE = 32 * 1024 * 1024
"""Bytes of a file that are in memory at once, besides what a finding may reach over."""

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_ESCAPES = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file that follow each other.

    Attributes:
        path: as it is shown.
        line: the number of the line that ``data`` begins with.
        data: the bytes.
        until: findings from here on are in the next piece as well.
        column: characters of the first line that stand before ``data``.
    """

    path: str
    line: int
    data: bytes
    until: int
    column: int = 0


def files(paths: Sequence[str]) -> Iterator[str]:
    """The regular files at and under the paths; in a git tree, those that git does not ignore.

    Symbolic links are not followed. Raises ``NotFound`` for a path that is not there.
    """
    for path in dict.fromkeys(paths):
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  (a path is shown as it was given)
        except (OSError, ValueError):
            raise NotFound(f"there is no {path}") from None
        if stat.S_ISDIR(mode):
            yield from _under(path)
        else:
            yield path


def _under(folder: str) -> Iterator[str]:
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    known = _git("-C", folder, *listing)
    if known is None:
        candidates = _walked(folder)
    else:
        names = [os.fsdecode(name) for name in known.split(b"\0") if name]
        candidates = iter([str(Path(folder, name)) for name in names])
    yield from (path for path in candidates if _is_file(path))


def _walked(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {".git"})
        yield from (str(Path(place, name)) for name in sorted(names))


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:  # git lists what was deleted and not committed
        return False


def pieces(path: str, overlap: int) -> Iterator[Piece]:
    """The file, in pieces that share at least ``overlap`` bytes. Raises ``Denied``."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (a path is shown as it was given)
            data, line, column = file.read(_PIECE), 1, 0
            while more := file.read(_PIECE):
                # At the beginning of a line, so that columns and remarks stay whole.
                cut = data.rfind(b"\n", 0, max(0, len(data) - overlap)) + 1
                cut = cut or max(0, len(data) - overlap)
                yield Piece(path, line, data, cut, column)
                line += data.count(b"\n", 0, cut)
                head = data.rfind(b"\n", 0, cut) + 1
                column = (0 if head else column) + len(
                    data[head:cut].decode("utf-8", "replace")
                )
                data = data[cut:] + more
            yield Piece(path, line, data, len(data), column)
    except OSError as error:
        raise Denied(f"the file {path} cannot be read: {error.strerror}") from None


def added(revisions: str | None) -> Iterator[Piece]:
    """The lines that ``git diff REVISIONS`` adds, or (None) those that are staged.

    Raises ``Invalid`` where there is no repository or no such revision.
    """
    if revisions is not None and revisions.startswith("-"):
        raise Invalid(f"{revisions[:40]!a} is no revision")
    diff = _git(
        *("-c", "core.quotePath=off", "diff", "--no-color", "--no-ext-diff", "--no-textconv"),
        *("--no-renames", "--unified=0", "--text", "--src-prefix=a/", "--dst-prefix=b/"),
        *(["--cached"] if revisions is None else [revisions]),
        "--",
    )
    if diff is None:
        what = "staged" if revisions is None else f"of {revisions}"
        raise Invalid(
            f"git shows no changes {what}: this is no repository, or there is no such revision"
        )
    return _added(diff)


def _added(diff: bytes) -> Iterator[Piece]:
    """Each run of added lines is a piece. Lines are counted: what they say could mislead."""
    path = ""
    lines = iter(BytesIO(diff))  # splits at newlines only
    for line in lines:
        if line.startswith(b"+++ "):
            path = _path(line[4:])
        elif hunk := _HUNK.match(line):
            for _ in range(int(hunk[1] or b"1")):
                _body(lines)
            first, count = int(hunk[2]), int(hunk[3] or b"1")
            data = b"".join(_body(lines)[1:] for _ in range(count))
            if data:
                yield Piece(path, first, data, len(data))


def _body(lines: Iterator[bytes]) -> bytes:
    """The next line that is one, and not a remark about a missing newline."""
    while (line := next(lines, b"")).startswith(b"\\"):
        pass
    return line


def _path(text: bytes) -> str:
    """From ``b/name``, perhaps in quotes; git puts a tab behind a name with spaces."""
    text = text.rstrip(b"\r\n").removesuffix(b"\t")
    if text.startswith(b'"'):
        text = _ESCAPE.sub(_unescaped, text[1:-1])
    return os.fsdecode(text.removeprefix(b"b/"))


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) if len(code) == 3 else _ESCAPES[code[0]]])


def _git(*words: str) -> bytes | None:
    """What git says; None if it fails. Raises ``Invalid`` if it is not there."""
    try:
        done = subprocess.run(  # noqa: S603  (no shell; revisions are checked)
            ["git", *words],  # noqa: S607  (the user's git is the one that is found)
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        if words[0] == "-C":  # a tree can be walked without it
            return None
        raise Invalid("git is not installed") from None
    return done.stdout if done.returncode == 0 else None
