"""``skykeep unlock``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SPAN
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.vault.shared import vault_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.envelope.header import Header
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.settings import LocalSettings


@command_of(
    examples="""
    skykeep unlock
    skykeep unlock --for 2h
    skykeep unlock --status
    """
)
@click.option(
    "--for",
    "duration",
    type=SPAN,
    metavar="TIME",
    default=timedelta(minutes=15),
    help="How long: 15m, 2h; at most 12h (15m).",
)
@click.option("--status", is_flag=True, help="Only say how long the vault is unlocked yet.")
@pass_invocation
def command(invocation: Invocation, /, *, duration: timedelta, status: bool) -> None:
    """Ask for the passphrase once and keep the vault unlocked for a while.

    All commands and programs of this user then open the vault without asking, until the time
    is over or `skykeep lock`. The key is kept in the memory of the Linux kernel, and where
    there is no such place in the system's keyring; never in a file. As with ssh-agent, every
    process of this user, and root, can read it meanwhile.
    """
    from skykeep.providers.local.session import read_header
    from skykeep.providers.local.vault import vault_path

    settings, context = vault_of(invocation)
    header = read_header(vault_path(settings, context))
    where = ""
    if not status:
        where = _keep(header, settings, context, duration)
    left = _left(header, settings, context)
    if invocation.console.json:
        invocation.console.document({"unlocked": left > 0, "seconds": left})
    elif status:
        text = f"unlocked for {_words(left)}" if left else "locked: a passphrase is asked for"
        invocation.console.text(text)
    else:
        invocation.console.text(f"unlocked for {_words(left)}, {where}; sooner: skykeep lock")


def _keep(
    header: Header, settings: LocalSettings, context: OpenContext, duration: timedelta
) -> str:
    from skykeep.providers.local import unlocked
    from skykeep.providers.local.unlock import PASSPHRASE, asks_next, spare_keyring, unlock_dek

    if not context.environ.get(PASSPHRASE) and not asks_next(header, settings, context):
        raise Invalid(
            "the vault is unlocked by a key file or the system's keyring: nothing is asked",
            hint="this is for vaults with a passphrase",
        )
    unlocked.check(duration)  # before anything is asked
    dek = unlock_dek(header, settings, context)
    try:
        keyring = spare_keyring(header, settings, context)
        return unlocked.keep(header, dek, duration, keyring)
    finally:
        del dek  # reports of errors may show the variables of a frame


def _left(header: Header, settings: LocalSettings, context: OpenContext) -> int:
    from skykeep.providers.local import unlocked
    from skykeep.providers.local.unlock import spare_keyring

    found = unlocked.kept(header, spare_keyring(header, settings, context))
    return 0 if found is None else found[1]


def _words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if minutes < 2:
        return f"{seconds} seconds"
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
