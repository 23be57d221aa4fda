"""``skykeep init``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from skykeep.envelope.keys import Argon2id
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.providers.local.vault import Created


@command_of(
    examples="""
    skykeep init --key-file ~/.skykeep.key
    skykeep init --keyring
    skykeep init                                   # asks for a passphrase, twice
    SKYKEEP_PASSPHRASE=… skykeep init
    """
)
@click.option(
    "--key-file", metavar="PATH", help="The vault's key file; made (0600) if it is not there."
)
@click.option("--keyring", is_flag=True, help="Unlock it by a key in the system's keyring.")
@click.option(
    "--argon2-memory-kib", type=int, metavar="N", help="Argon2id: memory in KiB (65536)."
)
@click.option("--argon2-passes", type=int, metavar="N", help="Argon2id: passes (3).")
@click.option("--argon2-lanes", type=int, metavar="N", help="Argon2id: lanes (4).")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    key_file: str | None,
    keyring: bool,
    argon2_memory_kib: int | None,
    argon2_passes: int | None,
    argon2_lanes: int | None,
) -> None:
    """Make an encrypted local vault.

    It is unlocked by a key file of 32 random bytes (--key-file, or SKYKEEP_KEY_FILE), by a
    key in the system's keyring (--keyring), or by a passphrase (SKYKEEP_PASSPHRASE, or a
    question). With a key file and no configuration
    file so far, a skykeep.yaml that names it is written to the configuration directory, so
    that later commands need no option.

    The --argon2 options are what a guess of the passphrase costs; they are kept in the vault.
    """
    if keyring and key_file is not None:
        raise click.UsageError("give --key-file or --keyring; a second key can be added later")
    if key_file is not None:
        invocation.flags["key_file"] = str(Path(key_file).expanduser().absolute())
    settings, configured = _settings(invocation)
    cost = _cost(
        invocation,
        {"memory_kib": argon2_memory_kib, "passes": argon2_passes, "lanes": argon2_lanes},
        keyed=keyring or bool(settings.key_file or os.environ.get("SKYKEEP_KEY_FILE")),
    )
    created = _create(settings, cost, in_keyring=keyring)
    written = None
    if created.key_file is not None and not configured:
        written = _write_configuration(created.key_file)
    _show(invocation, created, written)


def _settings(invocation: Invocation) -> tuple[LocalSettings, bool]:
    """What the configuration says of the vault, and whether there is a file of it."""
    from skykeep.providers.local.settings import LocalSettings

    environment = invocation.environment()
    settings = environment.primary
    if not isinstance(settings, LocalSettings):
        raise Unsupported(
            f"init makes local vaults; the configured primary is '{settings.backend}'",
            hint="choose another environment with --env, or --backend local",
        )
    return settings, environment.origin is not None


def _cost(
    invocation: Invocation, given: dict[str, int | None], *, keyed: bool
) -> Argon2id | None:
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return None
    if keyed:
        raise click.UsageError("the --argon2 options are for a passphrase, not for a key")
    from msgspec.structs import replace

    from skykeep.envelope.keys import RECOMMENDED

    cost = replace(RECOMMENDED, **chosen)
    try:
        cost.check()
    except Invalid as error:
        raise click.UsageError(error.message) from None
    if cost.memory_kib < RECOMMENDED.memory_kib or cost.passes < RECOMMENDED.passes:
        invocation.console.warn(
            "a stolen vault is cheaper to guess than recommended (RFC 9106: "
            f"{RECOMMENDED.memory_kib} KiB and {RECOMMENDED.passes} passes)"
        )
    return cost


def _create(settings: LocalSettings, cost: Argon2id | None, *, in_keyring: bool) -> Created:
    from skykeep.apps.cli.prompt import terminal_question
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.vault import create
    from skykeep.settings.places import data_dir

    context = OpenContext(
        target="primary (local)",
        environ=os.environ,
        data_dir=data_dir,
        ask=terminal_question(),
    )
    return create(settings, context, cost=cost, in_keyring=in_keyring)


def _write_configuration(key_file: Path) -> Path | None:
    """A first ``skykeep.yaml``; None if there is one, or if the path does not go into YAML."""
    import json

    from skykeep.settings.places import config_dir
    from skykeep.settings.substitute import escape

    path = config_dir() / "skykeep.yaml"
    if not str(key_file).isprintable():
        return None
    text = (
        "# Made by `skykeep init`. What else it may say: skykeep config schema\n"
        "default:\n"
        "  primary:\n"
        "    backend: local\n"
        f"    key_file: {json.dumps(escape(str(key_file.absolute())), ensure_ascii=False)}\n"
        '    secret_prefix: ""\n'
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return path


def _show(invocation: Invocation, created: Created, written: Path | None) -> None:
    console = invocation.console
    key_file = created.key_file
    if console.json:
        console.document(
            {
                "vault": str(created.path),
                "unlocked_by": _unlocked_by(created),
                "key_file": None if key_file is None else str(key_file),
                "key_file_made": created.key_file_made,
                "keyring": created.keyring,
                "configuration": None if written is None else str(written),
            }
        )
        return
    lines = [f"vault: {created.path}"]
    if created.keyring is not None:
        lines.append(f"key: in the system's keyring ({created.keyring})")
        lines.append(
            "Add a second key (skykeep vault passphrase): if the keyring is lost, nothing in"
            " the vault can be read."
        )
    elif key_file is None:
        lines.append("Remember the passphrase: without it nothing in the vault can be read.")
    else:
        made = "made now" if created.key_file_made else "was there"
        lines.append(f"key file: {key_file} ({made})")
        if written is not None:
            lines.append(f"configuration: {written}")
        lines.append(
            "Keep a copy of the key file away from the vault: without it nothing can be "
            "read, and who has both can read everything."
        )
        if written is None and not _found_again(invocation, key_file):
            lines.append(f"Later commands need it: export SKYKEEP_KEY_FILE={key_file}")
    lines.append("Next: skykeep set NAME")
    console.text("\n".join(lines))


def _unlocked_by(created: Created) -> str:
    if created.keyring is not None:
        return "keyring"
    return "passphrase" if created.key_file is None else "key-file"


def _found_again(invocation: Invocation, key_file: Path) -> bool:
    """Whether later commands find the key file without the option."""
    invocation.flags.pop("key_file", None)
    settings, _ = _settings(invocation)
    found = settings.key_file or os.environ.get("SKYKEEP_KEY_FILE")
    return bool(found) and Path(str(found)).expanduser().absolute() == key_file.absolute()
