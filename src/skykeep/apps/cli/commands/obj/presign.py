"""``skykeep obj presign``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import click

from skykeep.apps.cli.arguments import SPAN
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import Key, run
from skykeep.apps.cli.console import is_terminal, moment, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Unsupported

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj presign reports/today.json
    skykeep obj presign reports/today.json --expires 15m
    skykeep obj presign uploads/from-a-partner.zip --method PUT --expires 1d
    """
)
@click.argument("key", type=Key())
@click.option(
    "--method",
    type=click.Choice(["GET", "PUT"]),
    default="GET",
    show_default=True,
    help="Whether it reads or writes the object.",
)
@click.option(
    "--expires",
    type=SPAN,
    default="1h",
    show_default=True,
    metavar="TIME",
    help="For how long: 15m, 12h; a week at most.",
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key: str,
    method: Literal["GET", "PUT"],
    expires: timedelta,
) -> None:
    """Print a URL with which anybody may read (or write) the object KEY for a while.

    The URL is a secret: whoever has it needs no credentials, and it cannot be taken back.
    """
    console = invocation.console
    until = datetime.now(UTC) + expires

    async def work(objects: Objects) -> str:
        if not (await objects.capabilities()).presign:
            raise Unsupported(
                "this store makes no presigned URLs",
                hint="S3 makes them, a directory cannot; nothing happened",
            )
        return await objects.presign(key, method=method, seconds=int(expires.total_seconds()))

    url = run(invocation.open(), work)
    if is_terminal(sys.stdout):
        verb = "read" if method == "GET" else "write"
        console.warn(
            f"whoever sees this URL may {verb} the object until {short_moment(until)}, and a "
            "terminal keeps what it showed"
        )
    if console.json:
        console.document(
            {"key": key, "method": method, "url": url, "expires_at": moment(until)}
        )
    else:
        console.text(url)
