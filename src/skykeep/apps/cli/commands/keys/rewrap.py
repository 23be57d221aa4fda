"""``skykeep keys rewrap``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import QuietCommand
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import (
    KeyName,
    context_of,
    context_option,
    given_ciphertext,
    run,
    show_ciphertext,
)
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys


@command_of(
    cls=QuietCommand,
    examples="""
    skykeep keys rewrap team/backup @data.key.wrapped > data.key.new
    skykeep keys rewrap team/backup --raw < data.key.bin > data.key.bin.new
    """,
)
@click.argument("key", type=KeyName())
@click.argument("ciphertext", required=False)
@context_option()
@click.option("--raw", is_flag=True, help="Ciphertexts are bytes, not base64, both ways.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    ciphertext: str | None,
    context: Sequence[tuple[str, str]],
    raw: bool,
) -> None:
    """Move a ciphertext under the newest version.

    Encrypts what wrap wrote again, under KEY as it is now; the value stays the same.

    CIPHERTEXT is base64, '@FILE' or '-'; without it, standard input is read. The old
    ciphertext opens as before.
    """
    pairs, console = context_of(context), invocation.console
    data = given_ciphertext(ciphertext, "ciphertext", console, raw=raw)

    async def work(keys: Keys) -> bytes:
        return await keys.rewrap(key, data, context=pairs)

    wrapped = run(invocation.open(), work)
    if console.json:
        text = base64.b64encode(wrapped).decode()
        console.document({"key": key, "context": pairs, "ciphertext": text})
    else:
        show_ciphertext(wrapped, console, raw=raw)
