"""``skykeep keys sign``."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, run, show_ciphertext
from skykeep.apps.cli.commands.keys.signed import digest_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.key_driver import Signature
    from skykeep.interfaces.keys import Keys


@command_of(
    examples="""
    skykeep keys sign release build.tar > build.tar.sig
    skykeep keys sign release < build.tar
    skykeep keys sign release build.tar --output json
    """
)
@click.argument("key", type=KeyName())
@click.argument("file", required=False)
@click.option("--raw", is_flag=True, help="Write the signature as bytes, not as base64.")
@pass_invocation
def command(invocation: Invocation, /, *, key: str, file: str | None, raw: bool) -> None:
    """Sign a file with a key.

    Writes the signature of KEY over the SHA-256 digest of FILE, or of standard input. The
    file itself goes nowhere. ECDSA signatures are DER, as other programs expect them.
    """
    console = invocation.console
    cloud = invocation.open()
    digest = digest_of(file)

    async def work(keys: Keys) -> Signature:
        return await keys.sign(key, digest)

    signature = run(cloud, work)
    if console.json:
        console.document(
            {
                "key": key,
                "version": signature.version,
                "sha256": digest.hex(),
                "signature": base64.b64encode(signature.data).decode(),
            }
        )
        return
    show_ciphertext(signature.data, console, raw=raw)
    if signature.version:
        console.note(f"{key}: version {signature.version}")
