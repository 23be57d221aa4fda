"""``NAME=value``, for ``docker run --env-file``: no quotes, no escapes, one line each.

As docker/cli reads it (``pkg/kvfile``): white space before a line and lines with ``#`` first
are dropped, a carriage return at the end of a line is lost, a line has less than 64 KiB.
"""

from __future__ import annotations

from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, broken, decoded, variable

_LONGEST = 64 * 1024


def quoted(one: Outgoing) -> str:
    """The value as it is. Raises ``Invalid`` where it cannot be on one line."""
    text = one.text("docker")
    if "\n" in text:
        raise one.refused("docker", "it has more than one line")
    if text.endswith("\r"):
        raise one.refused("docker", "it ends in a carriage return, which would be lost")
    if len(f"{one.key}={text}".encode()) >= _LONGEST:
        raise one.refused("docker", "its line would have 64 KiB or more")
    return text


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable. Raises ``Invalid``."""
    return "".join(f"{one.key}={quoted(one)}\n" for one in values)


def read(data: bytes, source: str) -> list[Item]:
    """The variables; one without ``=`` would come from the environment and is refused."""
    found: list[Item] = []
    for number, full in enumerate(decoded(data, source).split("\n"), 1):
        line = full.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not name or not equals or any(c.isspace() for c in name):
            raise broken(source, number, "this is no line NAME=value")
        found.append(variable(name, value))
    return found
