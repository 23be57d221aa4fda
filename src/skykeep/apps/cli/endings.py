"""How a run ends that did not end well: what is shown, and the exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from skykeep.apps.cli.console import Console, OutputFailed
from skykeep.apps.cli.exit_codes import BROKEN_PIPE
from skykeep.apps.cli.failures import Stop, report

_FULL = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT)


def end(error: BaseException, args: Sequence[str], console: Console) -> int:
    """Show the error; returns the exit code. ``args`` is the command line."""
    if isinstance(error, click.UsageError):
        console.json |= _asks_for_json(args)
        return report(Stop("Usage", error.format_message(), _try_help(error.ctx)), console)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        console.note("")  # the terminal shows ^C, or a question, on this line
        return report(Stop("Interrupted", "nothing more was done"), console)
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return BROKEN_PIPE
    if isinstance(error, OSError) and error.errno in _FULL:  # click wrote a help text
        error = OutputFailed(error.strerror)
    if isinstance(error, OutputFailed):
        _drop_output()
        return report(Stop("Output", f"standard output cannot be written: {error}"), console)
    if not isinstance(error, Exception):
        raise error
    return report(error, console)


def _try_help(ctx: click.Context | None) -> str:
    return f"see: {ctx.command_path if ctx else 'skykeep'} --help"


def _asks_for_json(args: Sequence[str]) -> bool:
    """Whether arguments that could not be parsed ask for JSON all the same."""
    own = list(args[: args.index("--")] if "--" in args else args)
    return "--output=json" in own or ("--output", "json") in pairwise(own)


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere instead of complaining."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass  # there is no such stream; then nothing is flushed either
