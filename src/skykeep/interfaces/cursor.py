"""The cursor of a listing that goes on after the last name seen: for drivers that sort."""

from __future__ import annotations

import base64
import json

from skykeep.errors import Invalid


def cursor(start: str, last: str, deleted: bool) -> str:
    """A cursor that goes on after ``last`` in the listing of what begins with ``start``."""
    return base64.urlsafe_b64encode(json.dumps([start, last, deleted]).encode()).decode()


def position(text: str, start: str, deleted: bool) -> str:
    """The name that the page before ended with. Raises ``Invalid`` for a foreign cursor."""
    try:
        given, last, kind = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        if given == start and kind is deleted and isinstance(last, str):
            return last
    except (ValueError, TypeError, RecursionError):
        pass
    raise Invalid("this cursor is not of this listing", hint="begin the listing anew")
