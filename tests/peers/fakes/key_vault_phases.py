"""The states that a name in a vault can be in, for secrets and for keys."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    LIVE = auto()
    DELETING = auto()
    DELETED = auto()
    RECOVERING = auto()
    PURGING = auto()
