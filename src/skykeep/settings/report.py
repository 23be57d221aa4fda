"""What ``config check`` and ``config show`` say of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from skykeep.errors import ConfigError, Problem
from skykeep.interfaces.regions import within
from skykeep.settings import cloud_tree
from skykeep.settings.diagnose import checked, value_problem
from skykeep.settings.files import find
from skykeep.settings.guarding import EncryptionSettings, ResidencySettings
from skykeep.settings.masks import MASK, masked
from skykeep.settings.model import (
    BreakerSettings,
    Environment,
    HedgeSettings,
    JournalSettings,
    TargetSettings,
    UninstalledTarget,
)
from skykeep.settings.nodes import Node, Row, Scalar, Table, below, plain, table, walk
from skykeep.settings.overrides import Flags, overrides
from skykeep.settings.resolve import Resolved, build, choose, merge
from skykeep.settings.shapes import File, read
from skykeep.settings.storage import StorageSettings
from skykeep.settings.targets import (
    HOMES,
    SOURCES,
    SettingsOf,
    is_installed,
    target,
    targets_in,
)

LackingOf: TypeAlias = Callable[[str], Sequence[str]]
"""A provider's name -> the packages that it needs and that are not installed."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a configuration.

    Attributes:
        file: the file that was read, or None.
        environments: the names of its environments.
        problems: what is wrong; with one of them, ``load`` may fail.
        notes: what is right and worth knowing.
    """

    file: str | None
    environments: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def report(
    flags: Flags,
    environ: Mapping[str, str],
    settings_of: SettingsOf,
    lacking_of: LackingOf,
) -> Report:
    """Check the file, then the overrides on the environment that they choose."""
    file: File | None = None
    try:
        given = overrides(flags, environ)
        found = find(flags.config, environ)
        if found is not None:
            file = read(found[1], found[0], environ, settings_of)
            problems = sorted([*file.problems, *file.unset], key=lambda problem: problem.line)
            if problems:
                raise ConfigError(problems)
        several = file is not None and len(file.environments) > 1 and "env" not in given
        problems = []
        try:
            name = choose(file, given, environ)
        except ConfigError:
            if not several:
                raise
            # To have several environments and to name one on each command is no mistake.
            name = None
        build(file, name, merge(file, name, given), settings_of, problems)
        if problems:
            raise ConfigError(problems)
    except ConfigError as error:
        problems = list(error.problems)
    if file and not problems:
        problems = _called_the_same(file)
    notes = _notes(file, settings_of, lacking_of) if file and not problems else []
    return Report(
        file=file.path if file else None,
        environments=tuple(file.environments) if file else (),
        problems=tuple(problems),
        notes=tuple(sorted(notes, key=lambda note: note.line)),
    )


def _notes(file: File, settings_of: SettingsOf, lacking_of: LackingOf) -> list[Problem]:
    notes: list[Problem] = []
    stores: dict[str, str] = {}
    for name in file.environments:
        environment = merge(file, name, {})
        for key, node in targets_in(environment, name):
            _note_uninstalled(node, key, settings_of, lacking_of, notes)
            _note_region(environment, node, key, notes)
            if key.startswith(below(name, SOURCES)) or key in {
                below(name, home) for home in HOMES
            }:
                continue  # read only, or none of secrets: several may well use the same
            first = stores.setdefault(_store(environment, node, settings_of), key)
            if first != key:
                message = (
                    f"the same store and prefix as {first}: each sees and changes the "
                    "other's secrets"
                )
                notes.append(value_problem(node, key, message))
        _note_writes(environment, name, notes)
    _note_trees(file, notes)
    if len(file.environments) > 1 and _ambiguous(file):
        message = "no 'default_environment': commands need --env or SKYKEEP_ENV"
        notes.append(Problem(file.path, 0, "", message))
    return notes


def _called_the_same(file: File) -> list[Problem]:
    """Targets of one environment that a journal could not tell apart: it cannot be opened."""
    problems: list[Problem] = []
    for name in file.environments:
        environment = merge(file, name, {})
        seen: dict[tuple[str, object], str] = {}
        for key, node in targets_in(environment, name):
            role, _, index = key.removeprefix(below(name, "")).partition("[")
            if role not in {"primary", "failover", "backups"}:
                continue
            given = node.items.get("name")
            default = role.removesuffix("s") + (f"[{index}" if index not in {"", "0]"} else "")
            label = str(plain(given)) if given is not None else default
            first = seen.setdefault((label, plain(node.items["backend"])), key)
            if first != key:
                message = f"called '{label}' like {first}: give one of them another name"
                problems.append(value_problem(given or node, key, message))
    return problems


def _ambiguous(file: File) -> bool:
    try:
        choose(file, {}, {})
    except ConfigError:
        return True
    return False


def _note_uninstalled(
    node: Table,
    key: str,
    settings_of: SettingsOf,
    lacking_of: LackingOf,
    notes: list[Problem],
) -> None:
    backend = node.items["backend"]
    name = str(plain(backend))
    if not is_installed(name, settings_of):
        message = f"the provider '{name}' cannot be imported: its own keys were not checked"
    elif lacking := lacking_of(name):
        message = (
            f"the provider '{name}' needs {', '.join(lacking)}: "
            f"pip install --upgrade 'skykeep[{name}]'"
        )
    else:
        return
    notes.append(value_problem(backend, key, message))


def _note_writes(environment: Table, name: str, notes: list[Problem]) -> None:
    """What ``writes: failover`` gives up, and where it does nothing."""
    node = environment.items.get("writes")
    if not isinstance(node, Scalar) or node.value != "failover":
        return
    targets = environment.items.get("failover")
    if targets is None or (isinstance(targets, Row) and not targets.items):
        message = "there is no failover target: while the primary is away writes are refused"
    else:
        message = (
            "what this host writes while the primary is away other hosts do not see before "
            "it is back; what two hosts write then may be a conflict"
        )
    notes.append(value_problem(node, below(name, "writes"), message))


def _note_region(environment: Table, node: Table, key: str, notes: list[Problem]) -> None:
    """A region that the configuration itself says is one where data may not be."""
    declared, rules = node.items.get("region"), environment.items.get("residency")
    if not isinstance(declared, Scalar) or rules is None or declared.variables:
        return
    residency = checked(rules, ResidencySettings, "", [])
    if residency is None:
        return
    region = str(declared.value)
    refused = [
        f"'{each.prefix}'" for each in residency.classes if not within(region, each.regions)
    ]
    if residency.regions and not within(region, residency.regions):
        refused.append("all other data" if residency.classes else "all data")
    if refused:
        message = (
            f"residency refuses {', '.join(refused)} in {region}, unless the service tells "
            "another region"
        )
        notes.append(value_problem(declared, below(key, "region"), message))


def _store(environment: Table, node: Table, settings_of: SettingsOf) -> str:
    """Equal for targets that keep their secrets at the same place, under the same prefix."""
    settings = target(node, "", settings_of, [])
    values = _plain_target(settings) if settings is not None else {}
    values.pop("name", None)
    scope = plain(environment.items.get("scope", table({})))
    return repr((sorted(values.items()), scope))


def _note_trees(file: File, notes: list[Problem]) -> None:
    tree, node = file.cloud, file.trees.get("cloud")
    if tree is None or not isinstance(node, Table):
        return
    disabled = cloud_tree.disabled_service(tree)
    if disabled:
        message = "off: secrets are kept in the embedded local vault"
        switch = dict(walk(node, cloud_tree.NAME))[disabled]
        notes.append(value_problem(switch, disabled, message))


def shown(resolved: Resolved) -> dict[str, Any]:
    """The environment as plain values, masked, with the source of each."""
    environment, nodes = resolved.environment, resolved.nodes
    values: dict[str, Any] = {
        "primary": _plain_target(environment.primary),
        "failover": [_plain_target(settings) for settings in environment.failover],
        "backups": [_plain_target(settings) for settings in environment.backups],
        **_homes(environment),
        "cache": msgspec.to_builtins(environment.cache),
        "retry": msgspec.to_builtins(environment.retry),
        "deadline_seconds": environment.deadline_seconds,
        "run": dict(environment.run),
        "tags": dict(environment.tags),
    }
    if environment.sources:
        values["loading"] = {
            "sources": [_plain_target(settings) for settings in environment.sources],
            "pass_over": list(environment.pass_over),
            "rest_seconds": environment.rest_seconds,
        }
    for name, part, default in (
        ("encryption", environment.encryption, EncryptionSettings()),
        ("residency", environment.residency, ResidencySettings()),
        ("object_storage", environment.object_storage, StorageSettings()),
        ("writes", environment.writes, "primary"),
        ("failover_on", list(environment.failover_on), ["unavailable", "throttled"]),
        ("attempt_seconds", environment.attempt_seconds, 2.0),
        ("breaker", environment.breaker, BreakerSettings()),
        ("hedge", environment.hedge, HedgeSettings()),
        ("journal", environment.journal, JournalSettings()),
        ("sweep_seconds", environment.sweep_seconds, 0.0),
    ):
        if part != default:
            values[name] = _without_none(msgspec.to_builtins(part))
    for name, tree in (("cloud", environment.cloud), ("auth", environment.auth)):
        if tree is not None:
            values[name] = _without_none(msgspec.to_builtins(tree))
    failover = nodes.items.get("failover")
    if isinstance(failover, Table):
        nodes.items["failover"] = Row(source=failover.source, items=[failover])
    plain_values: Any = masked(values, nodes)
    for home in HOMES:  # ``keys`` is where keys are kept, and none itself
        if home in values:
            plain_values[home] = masked(values[home], nodes.items.get(home))
    sources: dict[str, str] = {}
    _sources(values, nodes, "", sources)
    scope = nodes.items.get("scope")
    secret_scope = isinstance(scope, Table) and any(
        isinstance(part, Scalar) and part.variables for part in scope.items.values()
    )
    return {
        "environment": environment.name,
        "file": environment.origin,
        "scope": MASK if secret_scope else environment.scope,
        **plain_values,
        "sources": sources,
    }


def _homes(environment: Environment) -> dict[str, Any]:
    """The targets of single capabilities, where they have one of their own."""
    of = {"objects": environment.objects, "keys": environment.keys}
    return {name: _plain_target(settings) for name, settings in of.items() if settings}


def _plain_target(settings: TargetSettings) -> dict[str, Any]:
    values: dict[str, Any] = _without_none(msgspec.to_builtins(settings))
    if isinstance(settings, UninstalledTarget):
        values |= values.pop("options")
    return values


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(child) for key, child in value.items() if child is not None}
    return value


def _sources(value: object, node: Node | None, key: str, found: dict[str, str]) -> None:
    if isinstance(value, dict) and (value or key):
        children = node.items if isinstance(node, Table) else {}
        for name, child in value.items():
            _sources(child, children.get(name), below(key, name), found)
    elif isinstance(value, (list, tuple)):
        rows = node.items if isinstance(node, Row) else []
        for index, child in enumerate(value):
            _sources(
                child, rows[index] if index < len(rows) else None, f"{key}[{index}]", found
            )
    elif isinstance(node, Scalar):
        place = f"{node.source}:{node.line}" if node.line else node.source
        names = ", ".join(f"${{{name}}}" for name in node.variables)
        found[key] = f"{place} (from {names})" if names else place
    else:
        found[key] = "default"
