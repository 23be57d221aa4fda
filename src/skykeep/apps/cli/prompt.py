"""Questions to the person at the terminal; what is typed is not shown."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from skykeep.apps.cli.console import is_terminal
from skykeep.errors import Invalid, KeyFailure

TTY = "/dev/tty"
_HAS_TTY = os.name != "nt"


def terminal_question() -> Callable[[str], str] | None:
    """Asks for a passphrase; None if there is no terminal to ask at.

    The terminal is the one that controls the process, so that a value can come through a
    pipe and the passphrase from the person who typed the command.
    """
    return passphrase if _somebody_is_there() else None


def passphrase(prompt: str) -> str:
    """What was typed. Raises ``KeyFailure`` if nothing was, ``click.Abort`` on Ctrl-C."""
    typed = _hidden(prompt)
    if not typed:
        raise KeyFailure("no passphrase was given")
    return typed


def value() -> str:
    """A secret's value, typed twice. Raises ``Invalid``."""
    typed = _hidden("Value")
    if not typed:
        raise Invalid("no value was given", hint="for an empty value: skykeep set NAME ''")
    if typed != _hidden("Again"):
        raise Invalid("the two values differ", hint="nothing was written")
    return typed


def confirmed(question: str) -> bool:
    """Whether somebody at the terminal says yes."""
    return answer(f"{question} [y/N] ").lower() in {"y", "yes"}


def answer(question: str) -> str:
    """What somebody at the terminal types, shown while it is typed."""
    with _plain_interrupts():
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip()


def _somebody_is_there() -> bool:
    if not _HAS_TTY:
        return is_terminal(sys.stdin)
    try:
        os.close(os.open(TTY, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _hidden(prompt: str) -> str:
    import getpass

    with _plain_interrupts():
        try:
            return getpass.getpass(f"{prompt}: ")
        except EOFError:
            return ""
        except UnicodeDecodeError:
            pass  # its exception holds what was typed
    raise Invalid("what was typed is no text in this terminal's encoding")


@contextmanager
def _plain_interrupts() -> Iterator[None]:
    """Ctrl-C ends a question at once. An event loop would only note it and go on reading."""
    try:
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
    except ValueError:  # not the main thread: signals are not ours to set
        before = None
    try:
        yield
    except KeyboardInterrupt:
        raise click.Abort from None
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
