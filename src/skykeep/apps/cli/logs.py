"""The log on standard error: warnings by default, more with ``SKYKEEP_LOG``."""

from __future__ import annotations

import logging
import os

from skykeep.apps.cli.console import Console

VARIABLE = "SKYKEEP_LOG"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class _Handler(logging.Handler):
    """Lines like those that the command line itself writes. Tracebacks are left out:
    the exception's text in them may hold anything."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.partition(".")[0] == "skykeep"
        if not ours and record.levelno < logging.WARNING:
            return  # clients of clouds log requests and answers, secrets included
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            self._console.warn(message)
        elif self._console.json:
            self._console.error_document(
                {"log": {"level": record.levelname.lower(), "message": message}}
            )
        else:
            self._console.note(f"skykeep: {record.levelname.lower()}: {message}")


def to_stderr(console: Console) -> None:
    """Send what is logged there. Other packages' loggers stay at warnings."""
    chosen = os.environ.get(VARIABLE, "").lower()
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(handler)
    root.addHandler(_Handler(console))
    logging.getLogger("skykeep").setLevel(_LEVELS.get(chosen, logging.WARNING))
    if chosen and chosen not in _LEVELS:
        console.warn(f"{VARIABLE} is {chosen[:40]!r}; expected debug, info or warning")
