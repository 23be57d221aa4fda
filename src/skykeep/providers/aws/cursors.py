"""Cursors of listings: AWS's token of the next page, and which listing it is of."""

from __future__ import annotations

import base64
import json

from skykeep.errors import Invalid


def cursor_of(start: str, deleted: bool, token: str) -> str:
    """The cursor of the next page."""
    return base64.urlsafe_b64encode(json.dumps([start, deleted, token]).encode()).decode()


def token_of(cursor: str, start: str, deleted: bool) -> str:
    """AWS's token of the next page. Raises ``Invalid`` for a foreign cursor."""
    try:
        given, kind, token = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if given == start and kind is deleted and isinstance(token, str):
            return token
    except (ValueError, TypeError, RecursionError):
        pass
    raise Invalid("this cursor is not of this listing", hint="begin the listing anew")
