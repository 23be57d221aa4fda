"""Makes another version current, and says so: what `rollback` and `promote` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skykeep.apps.cli.console import Console, printable
from skykeep.errors import NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Move:
    """What was done.

    Attributes:
        name: the secret.
        version: what is current now.
        was: what was current before; None if nothing was.
    """

    name: str
    version: str
    was: str | None

    def show(self, console: Console) -> None:
        """One line, or one document."""
        changed = self.version != self.was
        if console.json:
            console.document(
                {
                    "name": self.name,
                    "version": self.version,
                    "was": self.was,
                    "changed": changed,
                }
            )
            return
        before = f"was {self.was}" if changed else "as before"
        console.text(printable(f"{self.name}: version {self.version} is current ({before})"))


async def move(cloud: Cloud, name: str, version: str | None, expects: str | None) -> Move:
    """Make ``version`` current, or (None) the one that has the stage ``previous``.

    Compare-and-set against what is current now, or against ``expects``. Where a store gives
    every reader the newest version, the value of that version becomes a new one. Without
    stages the version before the current one is ``previous``. Raises ``NotFound``,
    ``VersionUnavailable``, ``Conflict``.
    """
    can = await cloud.secrets.capabilities()
    versions = await cloud.secrets.versions(name)
    at = {stage: found.id for found in versions for stage in found.stages}
    if version is None:
        version = at.get(PREVIOUS)
        if not can.stages:
            older = [found.id for found in versions if CURRENT not in found.stages]
            version = older[0] if older else None
        if version is None:
            raise NotFound(
                f"{shown(name)} has no previous version",
                hint=f"see: skykeep history {name}",
                resource=name,
            )
    was = at.get(CURRENT)
    if version == was and expects is None:
        return Move(name, version, was)
    expected = (expects or was) if can.compare_and_set else expects
    if can.stages and can.movable_current:
        await cloud.secrets.promote(name, version, expects=expected)
        return Move(name, version, was)
    old = await cloud.secrets.get(name, version=version)
    written = await cloud.secrets.update(name, old.value, expects=expected)
    return Move(name, written.version, was)
