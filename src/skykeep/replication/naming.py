"""What the targets of an environment are called, in provenance, in the journal, by people."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from skykeep.errors import ConfigError
from skykeep.interfaces.call import Role
from skykeep.settings.model import Environment, TargetSettings


@dataclass(frozen=True, slots=True)
class Named:
    """A target of an environment that may keep secrets.

    Attributes:
        label: its own name, or its role with a number from the second on.
        role: what the environment uses it for.
        place: ``primary``, ``failover[1]``, ``backups[0]``: where it stands in the file.
        settings: its settings.
    """

    label: str
    role: Role
    place: str
    settings: TargetSettings


def named(environment: Environment) -> list[Named]:
    """All of them, the primary first. Raises ``ConfigError`` if two are called the same: the
    journal could not tell them apart."""
    found = [
        Named(
            environment.primary.name or "primary", Role.PRIMARY, "primary", environment.primary
        )
    ]
    for role, key, targets in (
        (Role.FAILOVER, "failover", environment.failover),
        (Role.BACKUP, "backups", environment.backups),
    ):
        for index, settings in enumerate(targets):
            label = settings.name or (f"{role.value}[{index}]" if index else role.value)
            found.append(Named(label, role, f"{key}[{index}]", settings))
    seen: dict[tuple[str, str], Named] = {}
    for each in found:
        same = seen.setdefault((each.label, each.settings.backend), each)
        if same is not each:
            raise ConfigError(
                f"{same.place} and {each.place} are both called {each.label!r}",
                hint="give one of them another name: the journal keeps writes by it",
            )
    return found


def find(environment: Environment, text: str) -> Named:
    """The target that somebody means: by label, place, role, or as provenance shows it.

    Raises ``ConfigError`` that lists what there is.
    """
    targets = named(environment)
    for each in targets:
        shown = f"{each.label} ({each.settings.backend})"
        if text in {each.label, each.place, shown}:
            return each
    by_role = [each for each in targets if text in {each.role.value, f"{each.role.value}s"}]
    if len(by_role) == 1:
        return by_role[0]
    listed = ", ".join(each.label for each in targets)
    what = "there are several" if by_role else "there is no"
    raise ConfigError(
        f"{what} target {text!r} in the environment {environment.name or 'default'!r}",
        hint=f"there are: {listed}",
    )


def alone(environment: Environment, target: Named) -> Environment:
    """The environment with this target alone, for secrets. Values that are encrypted open as
    they do in the whole; their key stays where it is."""
    encryption = environment.encryption
    if encryption.kek is not None and encryption.store is None:
        store = environment.primary.name or environment.primary.backend
        encryption = msgspec.structs.replace(encryption, store=store)
    return msgspec.structs.replace(
        environment,
        primary=msgspec.structs.replace(target.settings, name=target.label),
        failover=(),
        backups=(),
        objects=environment.objects or environment.primary,
        keys=environment.keys or environment.primary,
        encryption=encryption,
    )
