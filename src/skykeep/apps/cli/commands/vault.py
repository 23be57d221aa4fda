"""``skykeep vault verify|backup|restore|passphrase|key-file|forget``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli.command import Command, examples
from skykeep.apps.cli.console import Progress, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Unsupported

if TYPE_CHECKING:
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.providers.local.verify import Counts

T = TypeVar("T")

NEW_PASSPHRASE = "SKYKEEP_NEW_PASSPHRASE"  # noqa: S105  (the variable's name)


class _Section(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep vault verify
            skykeep vault backup vault-backup.db
            skykeep vault passphrase
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Look after the local vault: verify it, back it up, change its keys."""


@command.command(
    cls=Command,
    examples="""
    skykeep vault verify
    skykeep vault verify --output json
    """,
)
@pass_invocation
def verify(invocation: Invocation) -> None:
    """Open everything in the vault and hold all of it against each other.

    Finds what no single read would meet. Writers are not held up.
    """
    from skykeep.providers.local.session import read_header
    from skykeep.providers.local.unlock import unlock
    from skykeep.providers.local.vault import vault_path
    from skykeep.providers.local.verify import verify as verified

    settings, context = _vault(invocation)
    path = vault_path(settings, context)
    keys = unlock(read_header(path), settings, context)
    counts = _with_progress(invocation, lambda step: verified(path, keys, step))
    _tell(invocation, f"{printable(str(path))}: whole", {"path": str(path)}, counts)


@command.command(
    cls=Command,
    examples="""
    skykeep vault backup vault-backup.db
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@pass_invocation
def backup(invocation: Invocation, /, *, file: Path) -> None:
    """Copy the vault, as it is now, to FILE, and verify the copy.

    FILE must not be there. It is sealed like the vault and opens with the keys that the
    vault has now: a passphrase that is changed later still opens it.
    """
    from skykeep.providers.local.backup import backup as copied

    settings, context = _vault(invocation)
    counts = _with_progress(invocation, lambda step: copied(settings, context, file, step))
    _tell(invocation, f"{printable(str(file))}: verified", {"file": str(file)}, counts)


@command.command(
    cls=Command,
    examples="""
    skykeep vault restore vault-backup.db
    skykeep vault restore vault-backup.db --replace
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace a vault; a copy is kept beside it.")
@pass_invocation
def restore(invocation: Invocation, /, *, file: Path, replace: bool) -> None:
    """Put the backup FILE in the vault's place, after verifying it.

    The configured key must open the backup.
    """
    from skykeep.providers.local.backup import restore as restored

    settings, context = _vault(invocation)
    done = _with_progress(
        invocation,
        lambda step: restored(settings, context, file, replace=replace, progress=step),
    )
    saved = None if done.saved is None else str(done.saved)
    text = f"{printable(str(file))}: restored"
    if saved is not None:
        text += f"; the vault before it is kept in {printable(saved)}"
    _tell(invocation, text, {"file": str(file), "saved": saved}, done.counts)


@command.command(
    cls=Command,
    examples="""
    skykeep vault passphrase
    SKYKEEP_NEW_PASSPHRASE=… skykeep vault passphrase
    """,
)
@pass_invocation
def passphrase(invocation: Invocation) -> None:
    """Give the vault a passphrase, or a new one. No value is touched.

    The new one is asked for twice, or taken from SKYKEEP_NEW_PASSPHRASE. A key file keeps
    unlocking the vault. Backups made before still open with the old passphrase.
    """
    from skykeep.providers.local.slots import set_passphrase
    from skykeep.providers.local.vault import new_passphrase

    settings, context = _vault(invocation)
    set_passphrase(settings, context, new_passphrase(context, NEW_PASSPHRASE))
    _tell(invocation, "the passphrase was set", {"kind": "passphrase", "done": "set"})


@command.command(
    "key-file",
    cls=Command,
    examples="""
    skykeep vault key-file ~/new.key
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@pass_invocation
def key_file(invocation: Invocation, /, *, file: Path) -> None:
    """Let the key file FILE unlock the vault, in place of an earlier one.

    It is made (0600) if it is not there. A passphrase keeps unlocking the vault. Name the
    new file in the configuration or in SKYKEEP_KEY_FILE afterwards.
    """
    from skykeep.providers.local.slots import set_key_file

    settings, context = _vault(invocation)
    made = set_key_file(settings, context, file)
    _tell(
        invocation,
        f"{printable(str(file))} unlocks the vault" + (" (made now)" if made else ""),
        {"kind": "key-file", "done": "set", "file": str(file), "made": made},
    )


@command.command(
    cls=Command,
    examples="""
    skykeep vault forget passphrase
    """,
)
@click.argument("kind", type=click.Choice(["passphrase", "key-file"]))
@pass_invocation
def forget(invocation: Invocation, /, *, kind: Any) -> None:
    """Let a kind of key no longer unlock the vault.

    Refused if no other key is left, or if the one that is configured is not among those
    that stay.
    """
    from skykeep.providers.local.slots import forget as forgotten

    settings, context = _vault(invocation)
    forgotten(settings, context, kind)
    _tell(
        invocation,
        f"the {kind} no longer unlocks the vault",
        {"kind": kind, "done": "forgotten"},
    )


def _vault(invocation: Invocation) -> tuple[LocalSettings, OpenContext]:
    from skykeep.apps.cli.prompt import terminal_question
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.settings.places import data_dir

    settings = invocation.environment().primary
    if not isinstance(settings, LocalSettings):
        raise Unsupported(
            f"this looks after local vaults; the configured primary is '{settings.backend}'",
            hint="choose another environment with --env, or --backend local",
        )
    context = OpenContext(
        "primary (local)", os.environ, lambda: data_dir(os.environ), terminal_question()
    )
    return settings, context


def _with_progress(
    invocation: Invocation, work: Callable[[Callable[[int, int], None]], T]
) -> T:
    progress = Progress("secrets verified", invocation.console)
    try:
        return work(lambda done, total: progress.at(done))
    finally:
        progress.end()


def _tell(
    invocation: Invocation, text: str, document: dict[str, Any], counts: Counts | None = None
) -> None:
    if counts is not None:
        document |= {
            "secrets": counts.secrets,
            "deleted": counts.deleted,
            "versions": counts.versions,
            "prefixes": counts.prefixes,
        }
        text += f" ({counts.secrets:,} secrets, {counts.versions:,} versions)"
    if invocation.console.json:
        invocation.console.document(document)
    else:
        invocation.console.text(text)
