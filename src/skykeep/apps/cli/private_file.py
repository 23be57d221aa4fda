"""A file for an editor: in memory where that can be had, and nothing of it stays."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from skykeep.apps.cli.failures import Stop
from skykeep.errors import Invalid, Unsupported

MOUNTS = "/proc/mounts"
_IN_MEMORY = (b"tmpfs", b"ramfs")
_FATAL = ("SIGTERM", "SIGHUP")
_EDITORS_OWN = ("SIGINT", "SIGQUIT")  # Ctrl-C in an editor is for the editor


def folder(environ: Mapping[str, str], *, allow_disk: bool) -> str:
    """Where the file may be. Raises ``Unsupported`` if that would be a disk."""
    for place in (environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108  (a folder in it)
        if place and os.access(place, os.W_OK | os.X_OK) and in_memory(place):
            return place
    if allow_disk:
        return tempfile.gettempdir()
    raise Unsupported(
        "there is no file system in memory here, and what was on a disk may be found there",
        hint="to take that risk, add --allow-disk",
    )


def in_memory(place: str) -> bool:
    """Whether the folder is on a tmpfs; False where nobody tells."""
    real = os.fsencode(os.path.realpath(place))
    best, kind = b"", b""
    try:
        with open(MOUNTS, "rb") as mounts:  # noqa: PTH123  (a path of the system's)
            for line in mounts:
                _, point, this, *_ = line.split(b" ")
                inside = real == point or real.startswith(point.rstrip(b"/") + b"/")
                if inside and len(point) >= len(best):  # a later mount hides an earlier one
                    best, kind = point, this
    except (OSError, ValueError):
        return False
    return kind in _IN_MEMORY


def edited(data: bytes, words: list[str], place: str, environ: Mapping[str, str]) -> bytes:
    """What somebody makes of ``data`` with the editor ``words``.

    Whatever happens, the file, and what the editor put beside it, is overwritten and
    removed. Raises ``Invalid`` if the editor fails, ``Stop`` on a signal.
    """
    with _ending_by_exception():
        room = Path(tempfile.mkdtemp(prefix="skykeep-", dir=place))
        try:
            file = room / "value"
            with os.fdopen(
                os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as f:
                f.write(data)
            _edit([*words, str(file)], environ)
            try:
                return file.read_bytes()
            except OSError:
                raise Invalid("the editor removed the file; nothing was written") from None
        finally:
            wipe(room)


def editor(environ: Mapping[str, str]) -> list[str]:
    """``$VISUAL``, ``$EDITOR`` or vi, in words. Raises ``Invalid``."""
    text = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or shutil.which(words[0], path=environ.get("PATH")) is None:
        raise Invalid(
            f"there is no editor {text[:80]!a}", hint="set EDITOR to one that is installed"
        )
    return words


def wipe(room: Path) -> None:
    """Overwrite every file in the folder, then remove it.

    Overwriting means something in memory and on plain disks; a disk that remaps or copies
    blocks may keep the old ones.
    """
    for path in sorted(room.rglob("*"), reverse=True):
        if path.is_file() and not path.is_symlink():
            try:
                with path.open("r+b") as file:
                    file.write(bytes(path.stat().st_size))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                pass  # it is removed all the same
    shutil.rmtree(room, ignore_errors=True)


def _edit(words: list[str], environ: Mapping[str, str]) -> None:
    try:
        process = subprocess.Popen(words, env=dict(environ))  # noqa: S603  (the user's editor)
    except OSError as error:
        raise Invalid(f"the editor cannot be started: {error.strerror}") from None
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise Invalid(f"the editor ended with code {code}; nothing was written")


@contextmanager
def _ending_by_exception() -> Iterator[None]:
    """Signals that end the process raise instead, so that the file is removed first."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise Stop(
            "Interrupted", f"ended by {signal.Signals(number).name}; nothing was written"
        )

    handlers: dict[int, signal.Handlers | object] = {}
    for names, handler in ((_FATAL, end), (_EDITORS_OWN, signal.SIG_IGN)):
        for name in names:
            if hasattr(signal, name):
                number = getattr(signal, name)
                handlers[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in handlers.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # as it was given to us
