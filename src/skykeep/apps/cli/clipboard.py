"""The clipboard of the desktop, by the program that has it.

Run as a module it waits and then empties the clipboard, if that still holds what was put
there; it knows a salted digest of that, and never the value.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from skykeep.errors import Unavailable, Unsupported

_wait = time.sleep
_Process = subprocess.Popen
_PATIENCE = 10  # seconds; a display that hangs must not hang the command


@dataclass(frozen=True, slots=True)
class Clipboard:
    """A program, and its words for writing and reading."""

    write: tuple[str, ...]
    read: tuple[str, ...]

    def put(self, data: bytes) -> None:
        """Raises ``Unavailable`` if the program fails, as it does without a display."""
        # Writers of X11 and Wayland stay behind to serve the clipboard, and would keep a
        # captured standard output open.
        if _run(self.write, data, subprocess.DEVNULL) is None:
            raise Unavailable(f"{self.write[0]} cannot reach the clipboard")

    def holds(self, salt: bytes, digest: bytes) -> bool:
        """Whether what has this digest is still there."""
        data = _run(self.read, b"", subprocess.PIPE)
        return data is not None and hmac.compare_digest(digest_of(salt, data), digest)


def _run(words: tuple[str, ...], data: bytes, output: int) -> bytes | None:
    """What the program writes, if that is captured; None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603  (one of the fixed programs below)
            words,
            input=data,
            stdout=output,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or b"") if done.returncode == 0 else None


_WAYLAND = Clipboard(("wl-copy",), ("wl-paste", "--no-newline"))
_XCLIP = Clipboard(
    ("xclip", "-selection", "clipboard", "-in"), ("xclip", "-selection", "clipboard", "-out")
)
_XSEL = Clipboard(("xsel", "--clipboard", "--input"), ("xsel", "--clipboard", "--output"))
_MAC = Clipboard(("pbcopy",), ("pbpaste",))


def find(environ: Mapping[str, str], platform: str = sys.platform) -> Clipboard:
    """The clipboard of this session. Raises ``Unsupported``: what is to be installed."""
    if platform == "darwin":
        candidates, install = [_MAC], "pbcopy, a part of macOS"
    elif environ.get("WAYLAND_DISPLAY"):
        candidates, install = [_WAYLAND], "wl-clipboard"
    elif environ.get("DISPLAY"):
        candidates, install = [_XCLIP, _XSEL], "xclip or xsel"
    else:
        raise Unsupported(
            "there is no clipboard here: neither WAYLAND_DISPLAY nor DISPLAY is set",
            hint="to write the value to a file or a pipe: skykeep get NAME",
        )
    for candidate in candidates:
        if shutil.which(candidate.write[0]) and shutil.which(candidate.read[0]):
            return candidate
    raise Unsupported("no program for the clipboard is installed", hint=f"install {install}")


def digest_of(salt: bytes, data: bytes) -> bytes:
    """What says that two contents are the same, and not what they are."""
    return hashlib.blake2b(data, key=salt).digest()


def empty_later(data: bytes, seconds: int) -> None:
    """Start the process that empties the clipboard; this one need not wait for it."""
    salt = os.urandom(32)
    process = _Process(
        [sys.executable, "-m", "skykeep.apps.cli.clipboard", str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it outlives the terminal
    )
    assert process.stdin is not None  # noqa: S101  (asked for above; for the type checker)
    process.stdin.write(salt + digest_of(salt, data))
    process.stdin.close()
    process.returncode = 0  # it is not waited for, which is no mistake


def main(args: list[str]) -> int:
    """Wait, and empty the clipboard if it holds what it held."""
    known = sys.stdin.buffer.read()
    _wait(int(args[0]))
    clipboard = find(os.environ)
    if clipboard.holds(known[:32], known[32:]):
        clipboard.put(b"")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
