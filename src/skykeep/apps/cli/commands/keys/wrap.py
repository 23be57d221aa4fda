"""``skykeep keys wrap``."""

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
    given_value,
    run,
    show_ciphertext,
)
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys


@command_of(
    cls=QuietCommand,
    examples="""
    skykeep keys wrap team/backup @data.key > data.key.wrapped
    head -c 32 /dev/urandom | skykeep keys wrap team/backup --context of=backup
    skykeep keys wrap team/backup                 # asks, twice
    skykeep keys wrap team/backup @data.key --output json
    """,
)
@click.argument("key", type=KeyName())
@click.argument("value", required=False)
@context_option()
@click.option("--raw", is_flag=True, help="Write the ciphertext as bytes, not as base64.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    value: str | None,
    context: Sequence[tuple[str, str]],
    raw: bool,
) -> None:
    """Encrypt a small value under a key.

    Writes the ciphertext of a data key, a password or the like under KEY.

    The value is asked for, or comes from standard input, byte for byte, if that is no
    terminal. VALUE may be '-' for standard input, '@FILE' for the bytes of a file ('@@…' for
    a value that begins with '@'), or the value itself, which others on this machine can see
    while the command runs. It has 1 to 4,096 bytes; some stores take more.
    """
    pairs = context_of(context)
    cloud = invocation.open()  # a wrong configuration shows before a value is typed
    plain = given_value(value, invocation.console)

    async def work(keys: Keys) -> bytes:
        return await keys.wrap(key, plain, context=pairs)

    wrapped = run(cloud, work)
    if invocation.console.json:
        text = base64.b64encode(wrapped).decode()
        invocation.console.document({"key": key, "context": pairs, "ciphertext": text})
    else:
        show_ciphertext(wrapped, invocation.console, raw=raw)
