"""``skykeep keys unwrap``."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import QuietCommand
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import (
    KeyName,
    context_of,
    context_option,
    given_ciphertext,
    run,
)
from skykeep.apps.cli.console import is_terminal
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys
    from skykeep.interfaces.secret_value import SecretValue


@command_of(
    cls=QuietCommand,
    examples="""
    skykeep keys unwrap team/backup @data.key.wrapped > data.key
    skykeep keys unwrap team/backup @data.key.wrapped --base64
    skykeep keys unwrap team/backup --raw < data.key.bin --base64
    skykeep keys unwrap team/backup @data.key.wrapped --output json
    """,
)
@click.argument("key", type=KeyName())
@click.argument("ciphertext", required=False)
@context_option()
@click.option("--raw", is_flag=True, help="The ciphertext is bytes, not base64.")
@click.option("--base64", "as_base64", is_flag=True, help="Write the value as base64.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    ciphertext: str | None,
    context: Sequence[tuple[str, str]],
    raw: bool,
    as_base64: bool,
) -> None:
    """Decrypt what wrap wrote.

    Writes the value to standard output, byte for byte.

    CIPHERTEXT is base64, '@FILE' or '-'; without it, standard input is read. The context must
    be the one that it was encrypted under.
    """
    pairs, console = context_of(context), invocation.console
    data = given_ciphertext(ciphertext, "ciphertext", console, raw=raw)

    async def work(keys: Keys) -> SecretValue:
        return await keys.unwrap(key, data, context=pairs)

    value = run(invocation.open(), work)
    if console.json:
        console.document({"key": key, "context": pairs, **_document(value)})
    elif as_base64:
        console.text(base64.b64encode(value.reveal()).decode())
    elif is_terminal(sys.stdout):
        console.text(_plain(value))
    else:
        console.bytes(value.reveal())


def _plain(value: SecretValue) -> str:
    """The value as text that changes nothing on a terminal. Raises ``Invalid``."""
    try:
        text = value.text().removesuffix("\n")
        if all(each.isprintable() or each in "\n\t" for each in text):
            return text
    except Invalid:
        pass
    raise Invalid(
        f"the value ({value.size:,} bytes) is binary or has control characters, which could "
        "rewrite this terminal",
        hint="send it to a file or a pipe, or give --base64",
    )


def _document(value: SecretValue) -> dict[str, Any]:
    try:
        return {"value": value.text(), "encoding": "utf-8"}
    except Invalid:
        text = base64.b64encode(value.reveal()).decode()
        return {"value_base64": text, "encoding": "base64"}
