"""A target's node against its provider's settings, also when that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from skykeep.errors import ConfigError, MissingExtra, Problem
from skykeep.settings.diagnose import checked, nearest, value_problem
from skykeep.settings.masks import shown_text
from skykeep.settings.model import TargetSettings, UninstalledTarget
from skykeep.settings.nodes import Row, Scalar, Table, below, plain, table

SettingsOf: TypeAlias = Callable[[str], type[TargetSettings]]
"""A provider's name -> the class of its target settings.

Raises ``MissingExtra`` for one that cannot be imported for want of a module,
``ConfigError`` for a name that nobody has.
"""

PORTABLE = TargetSettings.__struct_fields__

HOMES = ("objects", "keys")
"""Capabilities that may have a target of their own; else the primary is theirs, too."""

ROLES = ("primary", "failover", "backups", *HOMES)
SOURCES = "loading.sources"
"""Keys of an environment under which there are targets."""


def targets_in(environment: Table, key: str) -> Iterator[tuple[str, Table]]:
    """The targets of an environment, each with its dotted key; the primary first."""
    loading = environment.items.get("loading")
    for at, node in (
        *((below(key, role), environment.items.get(role)) for role in ROLES),
        (
            below(key, SOURCES),
            loading.items.get("sources") if isinstance(loading, Table) else None,
        ),
    ):
        if isinstance(node, Table):
            yield at, node
        elif isinstance(node, Row):
            for index, child in enumerate(node.items):
                if isinstance(child, Table):
                    yield f"{at}[{index}]", child


def target(
    node: Table, key: str, settings_of: SettingsOf, problems: list[Problem]
) -> TargetSettings | None:
    """The target that the node describes; None, and ``problems`` appended to, if none."""
    backend = node.items.get("backend")
    if (
        not isinstance(backend, Scalar)
        or not isinstance(backend.value, str)
        or not backend.value
    ):
        checked(_portable(node), TargetSettings, key, problems)
        return None
    try:
        kind = settings_of(backend.value)
    except MissingExtra:
        return _uninstalled(node, key, problems)
    except ConfigError as error:
        problems.append(value_problem(backend, below(key, "backend"), _unknown(backend, error)))
        checked(_portable(node), TargetSettings, key, problems)
        return None
    return checked(node, kind, key, problems)


def is_installed(backend: str, settings_of: SettingsOf) -> bool:
    """Whether the provider of that name can be imported."""
    try:
        settings_of(backend)
    except MissingExtra:
        return False
    return True


def _unknown(backend: Scalar, error: ConfigError) -> str:
    if backend.variables:
        return f"the text from ${{{backend.variables[0]}}} is not the name of a provider"
    message = error.problems[0].message
    if not message.isprintable():
        message = f"there is no provider {shown_text(str(backend.value))}"
    return f"{message}; {error.hint}" if error.hint else message


def _uninstalled(node: Table, key: str, problems: list[Problem]) -> UninstalledTarget | None:
    portable = _portable(node)
    settings = checked(portable, TargetSettings, key, problems)
    if settings is None:
        return None
    options = {
        name: plain(child) for name, child in node.items.items() if name not in portable.items
    }
    return UninstalledTarget(
        backend=settings.backend,
        name=settings.name,
        account=settings.account,
        region=settings.region,
        secret_prefix=settings.secret_prefix,
        options=options,
    )


def _portable(node: Table) -> Table:
    """The keys that every target may have, and those that were meant to be one."""
    free = [name for name in PORTABLE if name not in node.items]
    portable = {
        name: child
        for name, child in node.items.items()
        if name in PORTABLE or _misspelt(name, free)
    }
    return table(portable, node.source, node.line)


def _misspelt(name: str, portable: list[str]) -> bool:
    near = nearest(name, portable, cutoff=0.8)
    # ``account_id`` and ``region_name`` are what a provider may well call a key of its own.
    return near is not None and not name.startswith(f"{near}_")
