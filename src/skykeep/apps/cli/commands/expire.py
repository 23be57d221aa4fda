"""``skykeep expire``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import Expiry, SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import moment, printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep expire db/password 30d
    skykeep expire tls/key 2027-01-01
    skykeep expire db/password never
    skykeep ls --expiring 30d
    """
)
@click.argument("name", type=SecretName())
@click.argument("when", type=Expiry())
@pass_invocation
def command(invocation: Invocation, /, *, name: str, when: datetime | None) -> None:
    """Say WHEN the secret NAME should no longer be used.

    WHEN is 30d, 12h, 2027-01-01, 2027-01-01T12:00:00Z (UTC if no zone is said) or never.
    An expired secret can still be read, with a warning.
    """
    console = invocation.console
    if when is not None and when <= datetime.now(UTC):
        console.warn(f"the expiry {short_moment(when)} has passed")

    async def annotate(cloud: Cloud) -> None:
        await cloud.secrets.annotate(name, expires_at=when)

    invocation.run(invocation.open(), annotate)
    if console.json:
        console.document({"name": name, "expires_at": moment(when)})
    else:
        says = "never expires" if when is None else f"expires {short_moment(when)}"
        console.text(printable(f"{name}: {says}"))
