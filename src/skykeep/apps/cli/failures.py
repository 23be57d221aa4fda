"""How errors are shown: one line and what to do, or one JSON object. Never a traceback."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from pathlib import Path

from skykeep.apps.cli.console import Console
from skykeep.apps.cli.exit_codes import BUG, ERRORS, OTHERS, ending_of
from skykeep.errors import ConfigError, SkykeepError


class Stop(Exception):
    """The command ends with an ending of ``exit_codes.OTHERS``."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said of an error. The JSON form has exactly these keys, ``kind`` as ``class``."""

    kind: str
    message: str
    exit_code: int
    hint: str = ""
    operation: str = ""
    resource: str = ""
    target: str = ""
    request_id: str = ""


def failure_of(error: BaseException) -> Failure:
    """What to say of ``error``."""
    if isinstance(error, Stop):
        return Failure(error.kind, error.message, OTHERS[error.kind].code, error.hint)
    if isinstance(error, SkykeepError):
        found = ending_of(type(error))
        if found is not None:
            return Failure(
                found[0],
                error.message,
                found[1].code,
                error.hint,
                error.operation,
                error.resource,
                error.target,
                error.request_id,
            )
    # The text of an unknown exception is not shown: it may hold anything, a value too.
    return Failure(
        "Bug",
        f"{type(error).__name__} at {_place(error)}",
        BUG,
        "run it again with SKYKEEP_LOG=debug and report what it prints",
    )


def report(error: BaseException, console: Console) -> int:
    """Show the error; returns the exit code."""
    failure = failure_of(error)
    if console.json:
        console.error_document({"error": document(failure)})
    else:
        words = (ERRORS.get(failure.kind) or OTHERS[failure.kind]).words
        problems = [str(p) for p in error.problems] if isinstance(error, ConfigError) else []
        if len(problems) > 1:
            console.error(
                f"{words}: {len(problems)} problems", [*problems, *_lines(failure.hint)]
            )
        else:
            first, *more = f"{words}: {failure.message}{_where(failure)}".split("\n")
            console.error(first, [*more, *_lines(failure.hint)])
    if failure.kind == "Bug" and os.environ.get("SKYKEEP_LOG", "").lower() == "debug":
        frames = traceback.format_tb(error.__traceback__)
        console.note("".join(frames).rstrip())
    return failure.exit_code


def document(failure: Failure) -> dict[str, object]:
    """The failure as it is in JSON."""
    return {
        "class": failure.kind,
        "message": failure.message,
        "hint": failure.hint,
        "operation": failure.operation,
        "resource": failure.resource,
        "target": failure.target,
        "request_id": failure.request_id,
        "exit_code": failure.exit_code,
    }


def _where(failure: Failure) -> str:
    """The target and the request, for stores that somebody else runs."""
    text = ""
    if failure.request_id:
        if failure.target and failure.target not in failure.message:
            text += f" [{failure.target}]"
        text += f" (request {failure.request_id})"
    return text


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if not frames:
        return "an unknown place"
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
