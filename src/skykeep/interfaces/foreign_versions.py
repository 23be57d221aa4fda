"""Version ids of several targets: each store issues its own, and two may use the same one.

The primary's are told as they are, another target's as ``ID@TARGET``; so one that was read at
a replica is never taken for the primary's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from skykeep.interfaces.call import Answer


def told(version: str, answer: Answer[Any]) -> str:
    """The id as an application is told it."""
    return f"{version}@{answer.source}" if answer.degraded else version


def split(version: str | None, others: Collection[str]) -> tuple[str | None, str | None]:
    """The target whose id it is, None for the primary's, and the id as its store issued it."""
    if version is not None and others and "@" in version:
        for target in others:
            if version.endswith(f"@{target}"):
                return target, version[: -len(target) - 1]
    return None, version
