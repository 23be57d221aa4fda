"""``skykeep keys verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, given_ciphertext, run
from skykeep.apps.cli.commands.keys.signed import digest_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.interfaces.key_driver import Signature

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys


@command_of(
    examples="""
    skykeep keys verify release @build.tar.sig build.tar
    skykeep keys verify release @build.tar.sig --version 1 < build.tar
    """
)
@click.argument("key", type=KeyName())
@click.argument("signature")
@click.argument("file", required=False)
@click.option("--raw", is_flag=True, help="The signature is bytes, not base64.")
@click.option("--version", metavar="ID", help="The version that signed (default: the newest).")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    signature: str,
    file: str | None,
    raw: bool,
    version: str | None,
) -> int:
    """Find out whether a key signed a file.

    The exit code is 0 if KEY signed FILE (or standard input), else 1.

    SIGNATURE is base64 or '@FILE', as sign wrote it.
    """
    if signature == "-" and file in (None, "-"):
        raise click.UsageError("the signature and the file cannot both be standard input")
    console = invocation.console
    data = given_ciphertext(signature, "signature", console, raw=raw)
    cloud = invocation.open()
    digest = digest_of(file)

    async def work(keys: Keys) -> bool:
        return await keys.verify(key, digest, Signature(data, version))

    good = run(cloud, work)
    if console.json:
        console.document(
            {"key": key, "version": version, "sha256": digest.hex(), "valid": good}
        )
    else:
        told = "signed it" if good else "did not sign it"
        console.text(printable(f"{key} {told}"))
    return DONE if good else DIFFERS
