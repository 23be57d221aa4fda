"""``skykeep vault passphrase|key-file|keyring|forget``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import tell, vault_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

NEW_PASSPHRASE = "SKYKEEP_NEW_PASSPHRASE"  # noqa: S105  (the variable's name)


@command(
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

    settings, context = vault_of(invocation)
    set_passphrase(settings, context, new_passphrase(context, NEW_PASSPHRASE))
    tell(invocation, "the passphrase was set", {"kind": "passphrase", "done": "set"})


@command(
    name="key-file",
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

    settings, context = vault_of(invocation)
    made = set_key_file(settings, context, file)
    tell(
        invocation,
        f"{printable(str(file))} unlocks the vault" + (" (made now)" if made else ""),
        {"kind": "key-file", "done": "set", "file": str(file), "made": made},
    )


@command(
    examples="""
    skykeep vault keyring
    """,
)
@pass_invocation
def keyring(invocation: Invocation) -> None:
    """Let the system's keyring unlock the vault, in place of an earlier key there.

    A new key of 32 random bytes is put into the keyring (Secret Service, KWallet, Keychain;
    needs `pip install 'skykeep[keyring]'`). Whoever is logged in as you can then read the
    vault. Other keys keep unlocking it. SKYKEEP_KEYRING=off goes without the keyring.
    """
    from skykeep.providers.local.slots import set_keyring

    settings, context = vault_of(invocation)
    backend = set_keyring(settings, context)
    tell(
        invocation,
        f"the keyring unlocks the vault ({printable(backend)})",
        {"kind": "keyring", "done": "set", "backend": backend},
    )


@command(
    examples="""
    skykeep vault forget passphrase
    skykeep vault forget keyring
    """,
)
@click.argument("kind", type=click.Choice(["passphrase", "key-file", "keyring"]))
@pass_invocation
def forget(invocation: Invocation, /, *, kind: Any) -> None:
    """Let a kind of key no longer unlock the vault.

    Refused if no other key is left, or if the one that is configured is not among those
    that stay. `forget keyring` also deletes what the keyring keeps of the vault.
    """
    from skykeep.providers.local.slots import forget as forgotten

    settings, context = vault_of(invocation)
    forgotten(settings, context, kind)
    tell(
        invocation,
        f"the {kind} no longer unlocks the vault",
        {"kind": kind, "done": "forgotten"},
    )
