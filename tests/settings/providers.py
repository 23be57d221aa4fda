"""Providers as the tests know them: two installed, others that cannot be imported."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from skykeep.errors import ConfigError, MissingExtra
from skykeep.settings.model import TargetSettings

KNOWN = ("aws", "azure", "gcp", "kubernetes", "vault")


class Local(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A vault file.

    Attributes:
        path: the vault file.
        key_file: the key file that unlocks it.
        keep_versions: how many versions are kept.
    """

    path: str | None = None
    key_file: str | None = None
    keep_versions: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.keep_versions <= 1000:
            raise ValueError("keep_versions is 1 to 1000")


class Memory(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An in-memory store."""

    token: str | None = None
    labels: tuple[str, ...] = ()
    limits: Mapping[str, int] | None = None


INSTALLED: dict[str, type[TargetSettings]] = {"local": Local, "memory": Memory}


def settings_of(name: str) -> type[TargetSettings]:
    if name in INSTALLED:
        return INSTALLED[name]
    if name in KNOWN:
        raise MissingExtra(f"the provider '{name}' needs a module")
    near = difflib.get_close_matches(name, [*INSTALLED, *KNOWN], n=1)
    raise ConfigError(
        f"there is no provider '{name}'", hint=f"did you mean '{near[0]}'?" if near else ""
    )


def lacking_of(name: str) -> tuple[str, ...]:
    """Everything that is installed has what it needs."""
    assert name in INSTALLED
    return ()
