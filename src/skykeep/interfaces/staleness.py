"""How far behind an answer may be, and how that is told."""

from __future__ import annotations

import time
from typing import Any

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call
from skykeep.interfaces.secret_data import Provenance, Stamp


def provenance_of(answer: Answer[Any], stamp: Stamp | None) -> Provenance:
    """What an application is told of where an answer came from."""
    return Provenance(
        answer.source,
        time.monotonic() - answer.at + answer.behind,
        answer.stale,
        answer.degraded,
        answer.cached,
        None if stamp is None else stamp.revision,
    )


def check_fresh(call: Call[Any], provenance: Provenance) -> None:
    """Raise ``Unavailable`` for an answer that the call does not take."""
    if call.strict and (provenance.stale or provenance.degraded):
        what = "stale" if provenance.stale else "from another target than it should be"
        hint = "without fail_if_stale it is taken, and says so"
    elif call.max_stale is not None and provenance.age > call.max_stale:
        what = f"{provenance.age:.0f} s behind, and at most {call.max_stale:g} s will do"
        hint = "with a larger max_stale it is taken, and says so"
    else:
        return
    raise Unavailable(f"the only answer, from {provenance.source}, is {what}", hint=hint)


_PIN = "\x1f"
"""No driver's cursor begins with it."""


def pin(cursor: str | None, source: str | None) -> str | None:
    """The cursor of a listing that goes on at the target of this name; as it is for None."""
    return cursor if cursor is None or source is None else f"{_PIN}{source}{_PIN}{cursor}"


def pinned(cursor: str | None) -> tuple[str | None, str | None]:
    """The target's name and its own cursor, of what ``pin`` made."""
    if cursor is None or not cursor.startswith(_PIN):
        return None, cursor
    source, _, own = cursor[1:].partition(_PIN)
    return source, own
