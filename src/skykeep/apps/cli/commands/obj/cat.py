"""``skykeep obj cat``."""

from __future__ import annotations

import codecs
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import Key, run
from skykeep.apps.cli.console import Console, is_terminal
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments

_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")


class _Range(_ParamType):
    """``0-99``, ``100-``, ``-100``: first and last byte, as in HTTP (RFC 9110, 14.1.2)."""

    name = "range"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        """First and last; None where it is left out."""
        found = _RANGE.fullmatch(str(value))
        first, last = (
            (int(text) if text else None for text in found.groups()) if found else (None, None)
        )
        if (first is None and last is None) or (
            first is not None and last is not None and last < first
        ):
            self.fail(
                f"{str(value)[:40]!a} is no range: use 0-99, 100- or -100 (the last 100 bytes)",
                param,
                ctx,
            )
        return first, last


@command_of(
    examples="""
    skykeep obj cat reports/today.json
    skykeep obj cat reports/today.json --range 0-99
    skykeep obj cat reports/today.json --range -100
    skykeep obj cat models/toxicity/1.onnx > model.onnx
    """
)
@click.argument("key", type=Key())
@click.option(
    "--range", "wanted", type=_Range(), metavar="A-B", help="From byte A to byte B, both too."
)
@click.option("--raw", is_flag=True, help="Write binary bodies to a terminal, too.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    wanted: tuple[int | None, int | None] | None,
    raw: bool,
) -> None:
    """Write the body of the object KEY to standard output, byte for byte.

    It is one object's from its first byte to its last, even if it is replaced meanwhile. On a
    terminal a body that is no plain text is not written unless --raw is given.
    """
    console = invocation.console

    async def work(objects: Objects) -> None:
        from skykeep.apps.cli.transfers.bar import Bar
        from skykeep.apps.cli.transfers.downloading import pour

        start, length, etag = 0, None, None
        if wanted is not None:
            start, length, etag = await _part(objects, key, *wanted)
        plain = raw or not is_terminal(sys.stdout)
        write = console.bytes if plain else _Plain(console).write
        bar = Bar(_Silent() if is_terminal(sys.stdout) else console)
        try:
            await pour(objects, key, write, bar, start=start, length=length, if_match=etag)
        finally:
            bar.clear()

    run(invocation.open(), work)


async def _part(
    objects: Objects, key: str, first: int | None, last: int | None
) -> tuple[int, int | None, str | None]:
    """Start, length, and the etag of the object of which they are."""
    if first is not None:
        return first, None if last is None else last - first + 1, None
    info = await objects.head(key)
    length = min(last or 0, info.size)
    return info.size - length, length, info.etag


class _Silent(Console):
    """For a bar that would stand among what is read on the same terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.json = True


class _Plain:
    """Lets text through to a terminal, and nothing that could rewrite it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def write(self, data: bytes) -> None:
        """Write the text. Raises ``Invalid``."""
        try:
            text = self._decode(data)
            plain = all(c.isprintable() or c in "\n\t" for c in text.replace("\r\n", "\n"))
        except UnicodeDecodeError:
            plain = False
        if not plain:
            raise Invalid(
                "the object is binary or has control characters, which could rewrite this "
                "terminal",
                hint="send it to a file or a pipe, or give --raw",
            )
        self._console.bytes(data)
