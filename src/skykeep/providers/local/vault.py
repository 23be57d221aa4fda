"""Make and look at a vault, outside of any call: ``skykeep init`` and ``skykeep doctor``."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from skykeep.durable.key_file import make_key_file, read_key_file
from skykeep.envelope.header import Header, new_header
from skykeep.envelope.keys import Argon2id, VaultKeys
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import Conflict, KeyFailure
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.session import create_file, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import PASSPHRASE, expanded, key_file_path, keyring_of

FILE_NAME = "vault.db"


@dataclass(frozen=True, slots=True)
class Created:
    """What :func:`create` did.

    Attributes:
        path: the vault file.
        key_file: the key file that unlocks it, or None.
        key_file_made: the key file was not there before.
        keyring: the backend of the keyring that unlocks it, or None. With neither it is a
            passphrase.
    """

    path: Path
    key_file: Path | None
    key_file_made: bool
    keyring: str | None = None


def vault_path(settings: LocalSettings, context: OpenContext) -> Path:
    """The vault file that the settings mean."""
    if settings.path:
        return expanded(settings.path)
    return context.data_dir() / FILE_NAME


def create(
    settings: LocalSettings,
    context: OpenContext,
    *,
    cost: Argon2id | None = None,
    in_keyring: bool = False,
) -> Created:
    """Make the vault that the settings mean, and its key file if that is not there.

    Without a key file the passphrase comes from ``SKYKEEP_PASSPHRASE`` or is asked for
    twice. ``cost`` is Argon2id's, for a passphrase. With ``in_keyring`` a key is made and
    put into the system's keyring instead. Raises ``Conflict`` if there is a vault,
    ``KeyFailure``, ``Denied``, ``Quota``, and as ``OsKeyring.set``.
    """
    path = vault_path(settings, context)
    if os.path.lexists(path):  # what cannot be looked at is found out when it is made
        raise Conflict(
            f"there is a vault at {path} already", hint="use it, or give another path"
        )
    if in_keyring:
        return _create_in_keyring(path, context)
    key_file = key_file_path(settings, context)
    made = False
    if key_file is not None:
        made = make_key_file(key_file)
        header, dek = new_header(key=read_key_file(key_file))
    else:
        header, dek = new_header(passphrase=new_passphrase(context, PASSPHRASE), cost=cost)
    keys = VaultKeys(dek, header.vault)
    del dek  # reports of errors may show the variables of a frame
    create_file(path, header, keys)
    return Created(path, key_file, made)


def _create_in_keyring(path: Path, context: OpenContext) -> Created:
    key = os.urandom(KEY_BYTES)
    header, dek = new_header(keyring=key)
    keyring = keyring_of(header.vault, context)
    entry = base64.b64encode(key).decode()
    keys = VaultKeys(dek, header.vault)
    try:
        keyring.set(entry)  # first: a vault whose key is nowhere is of no use
    finally:
        del key, dek, entry  # reports of errors may show the variables of a frame
    try:
        create_file(path, header, keys)
    except BaseException:
        keyring.delete()
        raise
    return Created(path, None, False, keyring.name())


def new_passphrase(context: OpenContext, variable: str) -> str:
    """A new passphrase: the variable's value, or what is typed twice. Raises ``KeyFailure``."""
    given = context.environ.get(variable)
    if given:
        return given
    if context.ask is None:
        raise KeyFailure(
            "the vault needs a key and nobody is there to type a passphrase",
            hint=f"set {variable}, give a key file (--key-file PATH), or run it on a terminal",
        )
    typed: str | None = context.ask("New passphrase")
    wrong = "the passphrase is empty"
    if typed:
        if typed == context.ask("Again"):
            return typed
        wrong = "the two passphrases differ"
    del typed  # reports of errors may show the variables of a frame
    raise KeyFailure(wrong, hint="nothing was changed")


def inspect(settings: LocalSettings, context: OpenContext) -> tuple[Path, Header]:
    """The vault's file and header, without unlocking it. Raises what opening raises."""
    path = vault_path(settings, context)
    return path, read_header(path)
