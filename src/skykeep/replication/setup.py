"""Puts together, from a configuration, what an environment has beside its primary."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from skykeep.interfaces.call import Role, Target
from skykeep.interfaces.journal_store import JournalStore
from skykeep.interfaces.secret_command import SecretCommand, unpack
from skykeep.interfaces.secrets import Secrets
from skykeep.journal.journal import Journal
from skykeep.journal.opening import OpenedLater
from skykeep.layers.several import Several
from skykeep.replication.digests import NAME, ValueDigests
from skykeep.settings.model import Environment

if TYPE_CHECKING:
    from skykeep.sealing.secrets import SecretSealer


def several(
    environment: Environment,
    targets: Sequence[Target],
    secrets: Callable[[], Secrets],
    data_dir: Callable[[], Path],
    sealer: SecretSealer | None,
) -> Several:
    """The targets beside the primary, and this host's journal, which is not opened yet.

    Args:
        environment: its settings.
        targets: those that get copies, in their order.
        secrets: the environment's, through all layers.
        data_dir: gives the directory of skykeep's data.
        sealer: seals the values of secrets before they leave; None leaves them plain.
    """
    path = journal_path(environment, data_dir)

    def opened() -> JournalStore:
        # Imported here: it stands on SQLite and cryptography; where nothing is owed reading
        # needs neither.
        from skykeep.journal.store import open_journal

        settings = environment.journal
        return open_journal(
            path,
            key_file=Path(settings.key_file).expanduser() if settings.key_file else None,
            max_entries=settings.max_entries,
            max_bytes=settings.max_bytes,
        )

    async def packed(command: SecretCommand) -> bytes:
        if sealer is not None and command.value is not None:
            value = await sealer.seal(command.resource, command.value)
            command = replace(command, value=value)
        return command.pack()

    async def unpacked(data: bytes) -> SecretCommand:
        command = unpack(data)
        if sealer is not None and command.value is not None:
            value = await sealer.open(command.resource, command.value)
            command = replace(command, value=value)
        return command

    return Several(
        [each for each in targets if each.role is Role.FAILOVER],
        [each for each in targets if each.role is Role.BACKUP],
        Journal(OpenedLater(path, opened), of=identity(environment)),
        packed,
        unpacked,
        ValueDigests(secrets, f"{environment.scope}{NAME}"),
    )


def journal_path(environment: Environment, data_dir: Callable[[], Path]) -> Path:
    """The file: one for each environment of each configuration file, on this host."""
    if environment.journal.path:
        return Path(environment.journal.path).expanduser()
    return data_dir() / "journal" / f"{identity(environment)}.db"


def identity(environment: Environment) -> str:
    """What tells it from the other environments of this host: its name and its file."""
    name = quote(environment.name or "default", safe="")
    if environment.origin is not None:
        # Two applications may both have an environment called production.
        origin = str(Path(environment.origin).absolute()).encode()
        name += f"-{hashlib.sha256(origin).hexdigest()[:8]}"
    return name
