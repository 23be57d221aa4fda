"""What a configuration says, value by value, each with the place that it came from.

Every source ends up as these nodes: the text of a file, a variable, a flag. So whatever is
found wrong later can still say where it was written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from skykeep.errors import ConfigError, Problem

Plain: TypeAlias = bool | int | float | str | None


class Placed(msgspec.Struct, kw_only=True):
    """A value and its place.

    Attributes:
        source: the file's path, or the flag or variable that gave it.
        line: 1-based; for a mapping or a list that has a key, the key's. 0: no line.
        key_line: the line of its key, or ``line`` if it has none.
        size: nodes in it, aliases counted as often as they are used.
        height: levels of mappings and lists in it.
    """

    source: str
    line: int = 0
    key_line: int = 0
    size: int = 1
    height: int = 0


class Scalar(Placed, kw_only=True):
    """A text, number, boolean or nothing.

    Attributes:
        value: as YAML reads it.
        text: as it was written.
        variables: the environment variables whose text is in it; if there are any, the
            value is never shown.
        quoted: whether it was written in quotes, and so is text whatever it says.
    """

    value: Plain
    text: str
    variables: tuple[str, ...] = ()
    quoted: bool = False


class Table(Placed, kw_only=True):
    """A mapping."""

    items: dict[str, Node]


class Row(Placed, kw_only=True):
    """A list."""

    items: list[Node]


class Unknown(Placed, kw_only=True):
    """A value that was already reported as wrong; nothing more can be said of it.

    Attributes:
        unset: the environment variable that it needs is not set.
    """

    unset: bool = False


Node: TypeAlias = Scalar | Table | Row | Unknown


def plain(node: Node) -> Any:
    """The value without its places. An ``Unknown`` is None."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Table):
        return {key: plain(child) for key, child in node.items.items()}
    if isinstance(node, Row):
        return [plain(child) for child in node.items]
    return None


def is_known(node: Node) -> bool:
    """Whether there is no ``Unknown`` in it."""
    return not any(isinstance(part, Unknown) for _, part in walk(node))


def walk(node: Node, key: str = "") -> Iterator[tuple[str, Node]]:
    """The node and all that is in it, each with its dotted key."""
    yield key, node
    if isinstance(node, Table):
        for name, child in node.items.items():
            yield from walk(child, below(key, name))
    elif isinstance(node, Row):
        for index, child in enumerate(node.items):
            yield from walk(child, f"{key}[{index}]")


def below(key: str, name: str) -> str:
    """The dotted key of ``name`` in the mapping at ``key``."""
    return f"{key}.{name}" if key else name


def table(items: Mapping[str, Node], source: str = "", line: int = 0) -> Table:
    """A mapping that was not written as one."""
    return Table(source=source, line=line, key_line=line, items=dict(items))


def given(value: object, source: str) -> Scalar:
    """What a flag, a keyword argument or a variable gave.

    Raises ``ConfigError`` for a value that no flag can have.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, (bool, int, float, str)):
        message = f"expected text or a number, got {type(value).__name__}"
        raise ConfigError(Problem(source, 0, "", message))
    return Scalar(source=source, value=value, text=str(value))
