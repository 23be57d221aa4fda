"""``skykeep keys create``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, info_document, run
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.key_driver import KeyInfo, SignatureAlgorithm
    from skykeep.interfaces.keys import Keys

ALGORITHMS = ("ecdsa-p256-sha256", "rsa-pss-sha256", "rsa-pkcs1-sha256")


@command_of(
    examples="""
    skykeep keys create team/backup
    skykeep keys create release --sign
    skykeep keys create partner --sign --algorithm rsa-pss-sha256
    """
)
@click.argument("key", type=KeyName())
@click.option("--sign", is_flag=True, help="A key that signs; it does not encrypt.")
@click.option(
    "--algorithm",
    type=click.Choice(ALGORITHMS),
    help="Of a key that signs (default: the first that the store has).",
)
@pass_invocation
def command(invocation: Invocation, /, *, key: str, sign: bool, algorithm: str | None) -> None:
    """Make a key.

    KEY encrypts, or with --sign it signs. It cannot be deleted here: what it encrypted would
    be lost.
    """
    if algorithm is not None and not sign:
        raise click.UsageError("--algorithm is for --sign")

    async def work(keys: Keys) -> KeyInfo:
        return await keys.create(
            key,
            purpose="sign" if sign else "encrypt",
            algorithm=cast("SignatureAlgorithm | None", algorithm),
        )

    info = run(invocation.open(), work)
    if invocation.console.json:
        invocation.console.document(info_document(info))
    else:
        what = f"signs with {info.algorithm}" if info.algorithm else "encrypts"
        invocation.console.text(printable(f"{info.name}: {what}"))
