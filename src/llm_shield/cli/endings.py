"""How a run ends: the exit codes, and what is shown of errors. Never a traceback.

The codes of errors are those of skykeep's command line. Scripts rely on them: a code never
changes its meaning.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import click

from llm_shield.cli.console import Console, OutputFailed
from skykeep.errors import SkykeepError

VALID = 0
NOT_VALID = 1
USAGE = 2
BUG = 70
OUTPUT = 74
INTERRUPTED = 130
BROKEN_PIPE = 141

CODES = {
    "NotFound": (10, "not found", "there is no such file, corpus or model"),
    "Denied": (11, "denied", "a file's mode does not allow it"),
    "Unauthenticated": (12, "not signed in", "the model store asks for credentials"),
    "Invalid": (13, "invalid", "a text is too long; `scan --jsonl`: lines could not be read"),
    "Conflict": (14, "conflict", "another version is current"),
    "PendingDelete": (15, "pending delete", "a deleted object still holds the name"),
    "VersionUnavailable": (16, "version unavailable", "that version cannot be read"),
    "Throttled": (17, "throttled", "too much waits already"),
    "Unavailable": (18, "unavailable", "a model or its store does not answer"),
    "Quota": (19, "quota", "a limit of the disk is used up"),
    "KeyFailure": (20, "key failure", "the model store's vault cannot be unlocked"),
    "Corrupt": (21, "corrupt", "a model's file is not the pinned one"),
    "Unsupported": (22, "unsupported", "this cannot be done here"),
    "MissingExtra": (23, "not installed", "a scanner stands on a package that is missing"),
    "ConfigError": (24, "configuration", "the settings are wrong"),
    "SkykeepError": (69, "error", "an error that has none of the codes above"),
}
"""Error class -> exit code, what its line begins with, and its meaning."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said of an error. The JSON form has these keys, ``kind`` as ``class``."""

    kind: str
    words: str
    message: str
    exit_code: int
    hint: str = ""


def failure_of(error: BaseException) -> Failure:
    """What to say of the error."""
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "shield"
        return Failure("Usage", "usage", error.format_message(), USAGE, f"see: {where} --help")
    if isinstance(error, OutputFailed):
        return Failure("Output", "output", f"standard output: {error}", OUTPUT)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure("Interrupted", "interrupted", "nothing more was done", INTERRUPTED)
    if isinstance(error, SkykeepError):
        for ancestor in type(error).__mro__:
            if ancestor.__name__ in CODES:
                code, words, _ = CODES[ancestor.__name__]
                return Failure(ancestor.__name__, words, error.message, code, error.hint)
    # The text of an unknown exception is not shown: it may be part of what was scanned.
    return Failure(
        "Bug",
        "a bug in shield",
        f"{type(error).__name__} at {_place(error)}",
        BUG,
        "please report it",
    )


def end(error: BaseException, console: Console) -> int:
    """Show the error; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return BROKEN_PIPE
    if isinstance(error, OutputFailed):
        _drop_output()
    if isinstance(error, KeyboardInterrupt):
        console.note("")  # the terminal shows ^C on this line
    failure = failure_of(error)
    document = {
        "class": failure.kind,
        "message": failure.message,
        "hint": failure.hint,
        "exit_code": failure.exit_code,
    }
    console.error(failure.words, failure.message, failure.hint, document)
    return failure.exit_code


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if not frames:
        return "an unknown place"
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere instead of complaining."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass  # there is no such stream; then nothing is flushed either
