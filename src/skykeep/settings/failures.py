"""The failures that settings name, as error classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from skykeep.errors import (
    Corrupt,
    Denied,
    KeyFailure,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.settings.order import Failure

_CLASSES: Final[dict[Failure, type[SkykeepError]]] = {
    "unavailable": Unavailable,
    "throttled": Throttled,
    "unauthenticated": Unauthenticated,
    "denied": Denied,
    "key_failure": KeyFailure,
    "corrupt": Corrupt,
}

NAMED: Final = tuple(_CLASSES.values())
"""All that settings can name."""


def classes_of(failures: Iterable[Failure]) -> tuple[type[SkykeepError], ...]:
    """The error class of each."""
    return tuple(_CLASSES[failure] for failure in failures)
