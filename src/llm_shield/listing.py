"""What scanners there are, and which of them could be used here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from llm_shield.resources import Owned
from llm_shield.scanner import Side
from llm_shield.scanners import HOMES, scanner_class
from llm_shield.settings import ModelsSettings
from skykeep.errors import ConfigError, SkykeepError


@dataclass(frozen=True, slots=True)
class Listed:
    """A scanner.

    Attributes:
        name, summary: as in its class.
        sides: ``input``, ``output``.
        cost: ``pattern``, ``model``, ``network``.
        installed: what it stands on is there and is what is pinned.
        missing: what is in the way, and the mend; ``""`` if nothing is missing.
    """

    name: str
    sides: tuple[str, ...]
    cost: str
    summary: str
    installed: bool
    missing: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "sides": list(self.sides),
            "cost": self.cost,
            "summary": self.summary,
            "isInstalled": self.installed,
            "missing": self.missing,
        }


def listed() -> list[Listed]:
    """All scanners, those of prompts first. Loads each of them for a moment to see whether it
    can be, so it takes about a second."""
    return asyncio.run(_listed())


async def _listed() -> list[Listed]:
    owned = Owned(ModelsSettings())
    try:
        found = []
        for name in HOMES:
            kind = scanner_class(name)
            missing = ""
            try:
                await kind(kind.Settings(), owned.resources).load()
            except ConfigError:
                pass  # it wants settings of the user's; what it stands on was not the matter
            except SkykeepError as error:
                missing = str(error)
            sides = tuple(side.value for side in Side if side in kind.sides)
            found.append(
                Listed(name, sides, kind.cost.name.lower(), kind.summary, not missing, missing)
            )
        return found
    finally:
        await owned.close()
