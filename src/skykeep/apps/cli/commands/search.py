"""``skykeep search``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import SecretInfo

Found = tuple[str, str]
"""Where, and the text that matches: ``name``, ``metadata`` or ``tag``."""


@command_of(
    examples="""
    skykeep search password
    skykeep search 'db/*/password'
    skykeep search team=web
    """
)
@click.argument("pattern")
@click.option("--deleted", is_flag=True, help="Among the deleted secrets.")
@pass_invocation
def command(invocation: Invocation, /, *, pattern: str, deleted: bool) -> int:
    """Find secrets by their names, metadata and tags; never by their values.

    PATTERN is a part of the text, or, with one of '*?[', a pattern for all of it. Capitals
    do not matter. Metadata and tags read KEY=VALUE. The exit code is 1 if nothing is found.
    """
    console = invocation.console
    matches = _matcher(pattern)

    async def names(cloud: Cloud) -> list[SecretInfo]:
        from skykeep.apps.cli.listing import listed

        return await listed(cloud, "", console, deleted=deleted)

    found = [
        (info.name, places)
        for info in invocation.run(invocation.open(), names)
        if (places := [place for place in _texts(info) if matches(place[1])])
    ]
    if console.json:
        console.document(
            [
                {
                    "name": name,
                    "matches": [{"where": where, "text": text} for where, text in places],
                }
                for name, places in found
            ]
        )
    elif found:
        console.text("\n".join(_line(name, places) for name, places in found))
    else:
        console.note("nothing found")
    return DONE if found else DIFFERS


def _matcher(pattern: str) -> Callable[[str], bool]:
    if any(c in pattern for c in "*?["):
        whole = re.compile(translate(pattern.casefold()))
        return lambda text: whole.match(text.casefold()) is not None
    part = pattern.casefold()
    return lambda text: part in text.casefold()


def _texts(info: SecretInfo) -> Iterator[Found]:
    yield "name", info.name
    for key, text in sorted(info.metadata.items()):
        yield "metadata", f"{key}={text}"
    for key, text in sorted(info.tags.items()):
        yield "tag", f"{key}={text}"


def _line(name: str, places: list[Found]) -> str:
    """The name, and what matched where it was not the name."""
    also = [f"{where} {text}" for where, text in places if where != "name"]
    text = printable(f"{name}  ({', '.join(also)})" if also else name)
    return text.replace("\n", "\\n")  # metadata may have several lines
