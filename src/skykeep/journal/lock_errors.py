"""What is said when the lock of a name cannot be had."""

from __future__ import annotations

from skykeep.errors import Unavailable


def held_too_long(seconds: float) -> Unavailable:
    """The error for a lock that another one has; it does not say which secret that is."""
    return Unavailable(
        "another process of this host is writing it, and went on for longer than "
        f"{seconds:g} s",
        sent=False,
        hint="try again",
    )
