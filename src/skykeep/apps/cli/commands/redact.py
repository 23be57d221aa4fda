"""``skykeep redact``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, cast

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.known_values import wanted, wanted_options
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from io import BufferedReader

    from skykeep.cloud import Cloud
    from skykeep.redaction import Redactor

_CHUNK = 1 << 20


@command_of(
    examples="""
    ./server 2>&1 | skykeep redact
    tail -f app.log | skykeep redact --all-versions
    skykeep redact --encodings base64,url < trace.har > trace-to-share.har
    """
)
@wanted_options()
@click.option(
    "--mask", default="***", show_default=True, metavar="TEXT", help="Put in their place."
)
@pass_invocation
def command(invocation: Invocation, /, *, mask: str, **options: Any) -> None:
    """Copy standard input to standard output with every known value masked.

    Values are those that are in the store when it starts. They are found wherever they
    stand, across lines and however the input arrives; what cannot be the beginning of a
    value is written at once. Standard output has no JSON form here.
    """
    if sys.stdin is None:
        raise Invalid("standard input is closed")
    console = invocation.console
    values = wanted(options)

    async def read(cloud: Cloud) -> Redactor:
        from skykeep.redaction import Redactor

        known = await values.read(cloud, console)
        return Redactor((form for form, _ in values.forms(known, console)), os.fsencode(mask))

    redactor = invocation.run(invocation.open(), read)
    source = cast("BufferedReader", sys.stdin.buffer)
    # read1: what is there, without waiting until a chunk is full.
    while chunk := source.read1(_CHUNK):
        if ready := redactor.feed(chunk):
            console.bytes(ready)
    console.bytes(redactor.flush())
