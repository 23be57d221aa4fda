"""``skykeep tree``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import SecretInfo

_LINES = ("├── ", "└── ", "│   ", "    ")
_ASCII = ("|-- ", "`-- ", "|   ", "    ")


@command_of(
    examples="""
    skykeep tree
    skykeep tree db
    skykeep tree --output json
    """
)
@click.argument("prefix", default="", required=False)
@pass_invocation
def command(invocation: Invocation, /, *, prefix: str) -> None:
    """Show the names of secrets as a tree.

    PREFIX is one or more whole parts of a name, as for 'ls'. A part that ends with '/' is
    no secret itself.
    """
    console = invocation.console

    async def names(cloud: Cloud) -> list[SecretInfo]:
        from skykeep.apps.cli.listing import listed

        return await listed(cloud, prefix, console)

    found = invocation.run(invocation.open(), names)
    root = _Node()
    start = len(prefix.removesuffix("/")) + 1 if prefix else 0
    for info in found:
        root.add(info.name[start:], info.name)
    if console.json:
        console.document(root.documents())
    elif not found:
        console.note("nothing found")
    else:
        head = [prefix.removesuffix("/") + "/"] if prefix else []
        console.text("\n".join([*map(printable, head), *root.lines(_strokes())]))


def _strokes() -> tuple[str, str, str, str]:
    """Lines where the terminal or file can have them."""
    try:
        "".join(_LINES).encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return _ASCII
    return _LINES


@dataclass
class _Node:
    """A part of names: perhaps a secret, perhaps with others below it."""

    secret: str | None = None
    below: dict[str, _Node] = field(default_factory=dict)

    def add(self, path: str, name: str) -> None:
        node = self
        for part in path.split("/"):
            node = node.below.setdefault(part, _Node())
        node.secret = name

    def lines(self, strokes: tuple[str, str, str, str], indent: str = "") -> Iterator[str]:
        branch, end, along, blank = strokes
        last = len(self.below) - 1
        for index, (part, node) in enumerate(sorted(self.below.items())):
            slash = "/" if node.secret is None else ""
            yield f"{indent}{end if index == last else branch}{printable(part)}{slash}"
            yield from node.lines(strokes, indent + (blank if index == last else along))

    def documents(self) -> list[dict[str, Any]]:
        return [
            {"part": part, "secret": node.secret, "below": node.documents()}
            for part, node in sorted(self.below.items())
        ]
