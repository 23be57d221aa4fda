"""Start a command in this process's place, or stand in for it where that cannot be done."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from skykeep.apps.cli.failures import Stop

UNLOCK = ("SKYKEEP_PASSPHRASE", "SKYKEEP_KEY_FILE")
"""What opens the vault is not the business of a command that gets some of its secrets."""

_REPLACES = os.name != "nt"
"""Whether a process can become another one."""

_NEEDED = ("PATH",) if _REPLACES else ("PATH", "SYSTEMROOT")
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGBREAK")
_RESTORED = ("SIGPIPE", "SIGXFSZ")


def environment(
    added: Mapping[str, bytes], *, pristine: bool, keep_unlock: bool
) -> dict[str, str]:
    """The command's environment variables.

    ``added`` goes before what is there. ``pristine`` keeps nothing but ``PATH``, which
    finds the command.
    """
    kept = {
        name: text
        for name, text in os.environ.items()
        if (keep_unlock and name in UNLOCK)
        or (name in _NEEDED if pristine else name not in UNLOCK)
    }
    # fsdecode and the encoding on the way out undo each other, whatever the bytes are.
    return kept | {variable: os.fsdecode(data) for variable, data in added.items()}


def start(words: Sequence[str], variables: Mapping[str, str]) -> int:
    """Become the command; on Windows, start it, wait, and return its exit code.

    Raises ``Stop`` if it cannot be started.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    try:
        if not _REPLACES:
            return start_and_wait(words, variables)
        _replace(words, variables)
    except OSError as error:
        raise cannot_start(words[0], error) from None
    except ValueError:  # a NUL in a word
        raise Stop("NotExecutable", "its arguments hold a NUL character") from None


def _replace(words: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    for name in _RESTORED:
        # Python ignores them, and what is ignored stays so in the command.
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(words[0], list(words), dict(variables))  # noqa: S606  (what `run` is for)


def start_and_wait(words: Sequence[str], variables: Mapping[str, str]) -> int:
    """Start the command, pass signals on to it, and return its exit code.

    Where a signal ended it: 128 and the signal's number, as shells say it.
    """
    import subprocess

    waiting: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: object) -> None:
        if process is None:
            waiting.append(number)
        elif number != signal.SIGINT or _REPLACES:
            # On Windows the console has sent Ctrl-C to the command already.
            process.send_signal(number)

    handled = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
    before = {number: signal.signal(number, forward) for number in handled}
    try:
        process = subprocess.Popen(list(words), env=dict(variables))  # noqa: S603  (`run`)
        for number in waiting:
            process.send_signal(number)
        code = process.wait()
        return code if code >= 0 else 128 - code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def cannot_start(word: str, error: OSError) -> Stop:
    """What is said of a command that the system does not start."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        hint = "" if "/" in word else "it is on no directory of PATH"
        return Stop("NotACommand", f"there is no command {word!r}", hint)
    hint = ""
    if error.errno == errno.E2BIG:
        hint = "the values are too large for an environment; let the command read them itself"
    if error.errno == errno.ENOEXEC:
        hint = "a script needs a first line such as #!/bin/sh"
    return Stop("NotExecutable", f"{word!r}: {error.strerror}", hint)
