"""From a file, flags and variables to the one environment that a ``Cloud`` is opened with."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from skykeep.errors import ConfigError, Problem
from skykeep.settings import cloud_tree
from skykeep.settings.diagnose import checked
from skykeep.settings.files import looked_up
from skykeep.settings.model import Environment, EnvironmentSettings, TargetSettings
from skykeep.settings.nodes import Node, Row, Scalar, Table, given, table
from skykeep.settings.overrides import TTL
from skykeep.settings.shapes import DEFAULTS, File, check_parts, no_environment, read
from skykeep.settings.targets import HOMES, ROLES, SOURCES, SettingsOf, target, targets_in

_TARGET_KEYS = ("region", "vault_url", "secret_prefix", "key_file")


class Resolved(msgspec.Struct, kw_only=True):
    """An environment and the nodes that it was made of."""

    environment: Environment
    nodes: Table


def resolve(
    found: tuple[str, str] | None,
    given: Mapping[str, Scalar],
    environ: Mapping[str, str],
    settings_of: SettingsOf,
) -> Resolved:
    """The environment that the file (its path and text) and the overrides describe.

    Raises ``ConfigError`` with all that is wrong with the file, or else with all that is
    wrong with the overrides.
    """
    file = None
    if found is not None:
        file = read(found[1], found[0], environ, settings_of)
        name = _chosen_or_none(file, given)
        problems = file.problems_for(name)
        if problems:
            raise ConfigError(problems)
    name = choose(file, given, environ)
    nodes = merge(file, name, given)
    problems = []
    environment = build(file, name, nodes, settings_of, problems)
    if environment is None or problems:
        raise ConfigError(problems)
    if file is not None:
        nodes.items |= file.trees
    return Resolved(environment=environment, nodes=nodes)


def _chosen_or_none(file: File, given: Mapping[str, Scalar]) -> str | None:
    try:
        return choose(file, given, {})
    except ConfigError:
        # What is wrong with the file explains more than the choice that failed on it.
        return None


def choose(
    file: File | None, given: Mapping[str, Scalar], environ: Mapping[str, str]
) -> str | None:
    """The name of the environment to take from the file; None is the embedded default.

    Raises ``ConfigError`` if it is not there, or if there are several and none was named.
    """
    wanted = given.get("env")
    if wanted is not None:
        return _named(wanted, file, environ)
    if file is None:
        return None
    if file.default_environment is not None:
        return file.default_environment
    names = list(file.environments)
    if cloud_tree.NAME in names:
        return cloud_tree.NAME
    if len(names) > 1 and "backend" not in given:
        problem = Problem(
            file.path, 0, "", f"there are several environments: {', '.join(names)}"
        )
        raise ConfigError(
            problem, hint="name one with --env, SKYKEEP_ENV or 'default_environment:'"
        )
    return names[0] if len(names) == 1 else None


def _named(wanted: Scalar, file: File | None, environ: Mapping[str, str]) -> str:
    name = str(wanted.value)
    if file is None:
        message = (
            f"there is no environment '{name}': environments come from a configuration file"
        )
        places = ", ".join(looked_up(environ))
        raise ConfigError(
            Problem(wanted.source, 0, "", message), hint=f"looked for one at {places}"
        )
    if name not in file.environments:
        message = f"{no_environment(name, file.environments)} ({file.path})"
        raise ConfigError(Problem(wanted.source, 0, "", message))
    return name


def merge(file: File | None, name: str | None, given: Mapping[str, Scalar]) -> Table:
    """The nodes of the environment: defaults of the file, its own keys, overrides."""
    items: dict[str, Node] = dict(file.defaults) if file else {}
    own = file.environments[name].items if file and name is not None else {}
    for key, node in own.items():
        below = items.get(key)
        if key in DEFAULTS and isinstance(node, Table) and isinstance(below, Table):
            items[key] = table({**below.items, **node.items}, node.source, node.line)
        else:
            items[key] = node
    if "backend" in given:
        items["primary"] = table({"backend": given["backend"]}, given["backend"].source)
        for others in ("failover", "backups", "loading", *HOMES):
            items.pop(others, None)
    primary = items.get("primary") or table({"backend": embedded()})
    items["primary"] = _with(primary, {key: given[key] for key in _TARGET_KEYS if key in given})
    for section, keys in (
        ("cache", {"ttl_seconds": TTL}),
        ("scope", {"tenant": "tenant", "namespace": "namespace"}),
    ):
        parts: dict[str, Node] = {
            key: given[flag] for key, flag in keys.items() if flag in given
        }
        if parts:
            items[section] = _with(items.get(section), parts)
    merged = table(items)
    if name is not None and name != cloud_tree.NAME:
        _isolate(merged, name)
    return merged


def embedded() -> Scalar:
    """The backend of the embedded default."""
    return given("local", "default")


def _with(node: Node | None, parts: Mapping[str, Node]) -> Node:
    if isinstance(node, Table):
        return table({**node.items, **parts}, node.source, node.line) if parts else node
    return table(parts)


def _isolate(environment: Table, name: str) -> None:
    """Give local targets their environment's name as prefix: they may share one vault."""
    prefix = Scalar(source="the environment's name", value=f"{name}/", text=f"{name}/")

    def isolated(node: Node) -> Node:
        if isinstance(node, Table):
            backend = node.items.get("backend")
            local = isinstance(backend, Scalar) and backend.value == "local"
            if local and "secret_prefix" not in node.items:
                return _with(node, {"secret_prefix": prefix})
        return node

    def isolate(holder: Table, key: str) -> None:
        node = holder.items.get(key)
        if isinstance(node, Table):
            holder.items[key] = isolated(node)
        elif isinstance(node, Row):
            rows = [isolated(child) for child in node.items]
            holder.items[key] = msgspec.structs.replace(node, items=rows)

    for role in ROLES:
        isolate(environment, role)
    loading = environment.items.get("loading")
    if isinstance(loading, Table):
        # A table of its own: the file's defaults are shared by all environments.
        own = table(dict(loading.items), loading.source, loading.line)
        isolate(own, "sources")
        environment.items["loading"] = own


def build(
    file: File | None,
    name: str | None,
    nodes: Table,
    settings_of: SettingsOf,
    problems: list[Problem],
) -> Environment | None:
    """The environment that merged nodes describe.

    None if there is something wrong; ``problems`` says what.
    """
    targets: dict[str, list[TargetSettings]] = {}
    for key, node in targets_in(nodes, ""):
        settings = target(node, key, settings_of, problems)
        if settings is not None:
            targets.setdefault(key.partition("[")[0], []).append(settings)
    shape = checked(nodes, EnvironmentSettings, "", problems)
    check_parts(nodes.items, "", problems)
    if shape is None or problems:
        return None
    parts = (shape.scope.tenant, shape.scope.namespace)
    return Environment(
        name=name,
        scope="".join(f"{part}/" for part in parts if part),
        primary=targets["primary"][0],
        failover=tuple(targets.get("failover", ())),
        backups=tuple(targets.get("backups", ())),
        objects=_only(targets.get("objects")),
        keys=_only(targets.get("keys")),
        encryption=shape.encryption,
        residency=shape.residency,
        object_storage=shape.object_storage,
        cache=shape.cache,
        retry=shape.retry,
        deadline_seconds=shape.deadline_seconds,
        writes=shape.writes,
        failover_on=shape.failover_on,
        attempt_seconds=shape.attempt_seconds,
        breaker=shape.breaker,
        hedge=shape.hedge,
        journal=shape.journal,
        sweep_seconds=shape.sweep_seconds,
        run=shape.run,
        tags=shape.tags,
        sources=tuple(targets.get(SOURCES, ())),
        pass_over=shape.loading.pass_over,
        rest_seconds=shape.loading.rest_seconds,
        cloud=file.cloud if file else None,
        auth=file.auth if file else None,
        origin=file.path if file else None,
    )


def _only(settings: list[TargetSettings] | None) -> TargetSettings | None:
    return settings[0] if settings else None
