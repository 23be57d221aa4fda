"""What there is to be documented, asked of the program itself.

Each function names what it finds; ``gate`` holds the names against the pages.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import click
import msgspec

import skykeep
from skykeep import errors, registry
from skykeep.apps.cli.exit_codes import ERRORS, OTHERS
from skykeep.apps.cli.program import program
from skykeep.settings import model, trees
from skykeep.settings.overrides import Flags
from skykeep.settings.schema import attributes, json_schema
from skykeep.settings.shapes import DEFAULTS, RESERVED

SOURCES = Path(skykeep.__file__).parent

PUBLIC = ("skykeep.integrations", "skykeep.interfaces", "skykeep.conformance")
"""Packages whose modules are public: each has its entries, or is named in ``PARTS``."""

PARTS = {
    "skykeep.interfaces.key_listing",  # parts of Keys, which has the entries
    "skykeep.interfaces.object_calls",  # parts of Objects, which has the entries
    "skykeep.interfaces.object_checks",
    "skykeep.interfaces.object_lifecycle",
    "skykeep.interfaces.object_sources",
    "skykeep.interfaces.object_writing",
    "skykeep.interfaces.paging",  # parts of Secrets and Keys, which have the entries
    "skykeep.interfaces.foreign_versions",  # parts of Secrets, which has the entries
    "skykeep.interfaces.secret_changes",
    "skykeep.interfaces.secret_command",
    "skykeep.interfaces.secret_following",
    "skykeep.interfaces.secret_listing",
    "skykeep.interfaces.secret_many",
    "skykeep.interfaces.secret_replay",
    "skykeep.interfaces.secret_tags",
    "skykeep.interfaces.secret_upsert",
    "skykeep.interfaces.secret_writing",
    "skykeep.interfaces.staleness",
    "skykeep.conformance.cases",  # parts of the suite: what it promises is in its docstring
    "skykeep.conformance.keys_cases",
    "skykeep.conformance.keys_contexts",
    "skykeep.conformance.keys_listing",
    "skykeep.conformance.keys_rotation",
    "skykeep.conformance.keys_signatures",
    "skykeep.conformance.keys_values",
    "skykeep.conformance.objects_cases",
    "skykeep.conformance.objects_conditions",
    "skykeep.conformance.objects_deletes",
    "skykeep.conformance.objects_kept",
    "skykeep.conformance.objects_lifecycle",
    "skykeep.conformance.objects_listing",
    "skykeep.conformance.objects_parts",
    "skykeep.conformance.objects_ranges",
    "skykeep.conformance.objects_values",
    "skykeep.conformance.operations",
    "skykeep.conformance.secrets_conditions",
    "skykeep.conformance.secrets_deletes",
    "skykeep.conformance.secrets_listing",
    "skykeep.conformance.secrets_stages",
    "skykeep.conformance.secrets_stamps",
    "skykeep.conformance.secrets_values",
    "skykeep.conformance.secrets_writes",
}


def commands() -> dict[str, click.Context]:
    """Every command that is not hidden, by its words: ``vault verify``; with its context."""
    whole = _context(program, None)
    return {"skykeep": whole, **dict(_below(whole, ""))}


def _below(parent: click.Context, before: str) -> Iterator[tuple[str, click.Context]]:
    group = cast("click.Group", parent.command)
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None or command.hidden:
            continue
        context = _context(command, parent)
        yield before + name, context
        if isinstance(command, click.Group):
            yield from _below(context, f"{before}{name} ")


def _context(command: click.Command, parent: click.Context | None) -> click.Context:
    return click.Context(command, parent=parent, **command.context_settings)


def options() -> set[str]:
    """Every way to write an option, behind its command: ``init --key-file``."""
    return {
        f"{name} {written}"
        for name, context in commands().items()
        for option in context.command.get_params(context)
        if isinstance(option, click.Option) and not option.hidden
        for written in (*option.opts, *option.secondary_opts)
    }


def exit_codes() -> set[str]:
    """Every published exit code, in decimal."""
    return {str(ending.code) for ending in (*ERRORS.values(), *OTHERS.values())}


def error_classes() -> set[str]:
    """The tree of errors."""
    return {
        name
        for name in errors.__all__
        if isinstance(found := getattr(errors, name), type)
        and issubclass(found, errors.SkykeepError)
    }


# -- environment variables

_OURS = re.compile(
    r"(?:_?SKYKEEP|AWS|AZURE|CLOUDSDK|GCE|GCLOUD|GOOGLE|KUBERNETES|VAULT)_[A-Z][A-Z0-9_]*(?<!_)"
)
"""Texts that are names of variables, wherever they stand."""

PROXIES = {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}
"""Made of the address's scheme where they are read (``providers/wire/proxies.py``)."""


def variables(sources: Path = SOURCES) -> set[str]:
    """Every environment variable that the sources read by name, and those of the flags."""
    found = PROXIES | {f"SKYKEEP_{field.name.upper()}" for field in fields(Flags)}
    trees = [
        ast.parse(file.read_text(encoding="utf-8")) for file in sorted(sources.rglob("*.py"))
    ]
    everywhere: dict[str, set[str]] = {}
    for tree in trees:
        for name, text in _constants(tree).items():
            everywhere.setdefault(name, set()).add(text)
    for tree in trees:
        own = {name: {text} for name, text in _constants(tree).items()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and _OURS.fullmatch(str(node.value)):
                found.add(str(node.value))
            found |= _texts(_name_read(node), {**everywhere, **own})
    return found


def _constants(tree: ast.Module) -> dict[str, str]:
    """The module's names for texts: ``VARIABLE = "SKYKEEP_LOG"``."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(
            node.value, ast.Constant
        ):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(node.value.value, str):
                found |= {ast.unparse(target): node.value.value for target in targets}
    return found


def _name_read(node: ast.AST) -> ast.expr | None:
    """What stands for the variable's name, where an environment is read."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr == "getenv":
            return node.args[0]
        if node.func.attr == "get" and _is_environment(node.func.value):
            return node.args[0]
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        return node.slice
    return None


def _is_environment(node: ast.expr) -> bool:
    """``os.environ``, ``self._environ``, ``environ``, or one of two: ``(… else environ)``."""
    if isinstance(node, ast.IfExp):
        return _is_environment(node.body) or _is_environment(node.orelse)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return str(name).endswith("environ")


def _texts(name: ast.expr | None, constants: dict[str, set[str]]) -> set[str]:
    """The name itself, or what a constant of this module, else of any, says."""
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return {name.value}
    if isinstance(name, ast.Name):
        return constants.get(name.id, set())
    return constants.get(name.attr, set()) if isinstance(name, ast.Attribute) else set()


# -- settings


@dataclass(frozen=True)
class Setting:
    """One key of a configuration.

    Attributes:
        section: the heading under which the reference has it.
        key: the key, dotted below another one: ``cache.ttl_seconds``.
        kind: what it takes, in words.
        default: what holds if it is left out, as the file would say it; ``""`` for nothing.
        meaning: its description, from the docstring.
    """

    section: str
    key: str
    kind: str
    default: str
    meaning: str


def settings() -> list[Setting]:
    """Every key that a configuration file may have, in the order of the model."""
    found = list(_of_the_file())
    found += _keys("Environments", model.EnvironmentSettings, "")
    found += _keys("Targets", model.TargetSettings, "")
    portable = set(model.TargetSettings.__struct_fields__)
    for name in sorted(registry.names()):
        own = _keys(targets_of(name), registry.settings_type(name), "")
        found += [setting for setting in own if setting.key not in portable]
    found += _keys("The cloud tree", trees.CloudTree, "cloud.")
    found += _keys("The auth tree", trees.AuthTree, "auth.")
    return found


def targets_of(provider: str) -> str:
    """The section of a provider's own keys."""
    return f"Targets of {provider}"


def _of_the_file() -> Iterator[Setting]:
    """Keys at the top that are neither a part of an environment nor a tree of their own."""
    described = json_schema()["properties"]
    for key in RESERVED:
        if key not in DEFAULTS and "$ref" not in described[key]:
            kind = _JSON_WORDS[described[key]["type"]]
            yield Setting("The file", key, kind, "", described[key]["description"])


def _keys(section: str, kind: type[Any], before: str) -> Iterator[Setting]:
    described: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        described |= attributes(ancestor)
    info = cast("msgspec.inspect.StructType", msgspec.inspect.type_info(kind))
    for field in info.fields:
        key = before + field.encode_name
        inner = _struct(field.type)
        if inner is not None:
            yield from _keys(section, inner, f"{key}.")
        else:
            default = "" if field.required else _written(field)
            yield Setting(section, key, _words(field.type), default, described[field.name])


def _struct(kind: msgspec.inspect.Type) -> type[Any] | None:
    for member in (kind, *getattr(kind, "types", ())):
        if isinstance(member, msgspec.inspect.StructType):
            return member.cls
    return None


def _written(field: msgspec.inspect.Field) -> str:
    value = field.default
    if value is msgspec.NODEFAULT or value is None or value in ((), ""):
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


_JSON_WORDS = {"string": "text", "boolean": "true or false", "object": "a mapping"}
_WORDS = {
    "StrType": "text",
    "IntType": "a whole number",
    "FloatType": "a number",
    "BoolType": "true or false",
    "DictType": "a mapping",
    "VarTupleType": "a list",
}


def _words(kind: msgspec.inspect.Type) -> str:
    members = [
        member
        for member in getattr(kind, "types", (kind,))
        if not isinstance(member, msgspec.inspect.NoneType)
    ]
    return " or ".join(_one(member) for member in members)


def _one(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, msgspec.inspect.LiteralType):
        return ", ".join(f"`{value}`" for value in kind.values)
    words = _WORDS[type(kind).__name__]
    for limit, said in (("gt", "more than"), ("ge", "at least"), ("le", "at most")):
        bound = getattr(kind, limit, None)
        if bound is not None:
            words += f", {said} {bound}"
    return words


# -- public names


def public_names() -> dict[str, str]:
    """Every public name -> where it is defined; both are dotted paths."""
    found = {f"skykeep.{name}": f"{home}.{name}" for name, home in skykeep._HOMES.items()}
    for name in PUBLIC:
        package = import_module(name)
        for part in pkgutil.iter_modules(package.__path__, f"{name}."):
            if part.name not in PARTS:
                found |= {path: path for path in _defined_in(part.name)}
    found |= {path: path for path in _defined_in(model.__name__)}
    return found


def _defined_in(module: str) -> Iterator[str]:
    for name, value in vars(import_module(module)).items():
        if name.startswith(("_", "pytest_")):
            continue
        defined = inspect.isroutine(value) or isinstance(value, type)
        if (defined and value.__module__ == module) or _is_fixture(value):
            yield f"{module}.{name}"


def _is_fixture(value: object) -> bool:
    """Pytest has no public name for what ``@pytest.fixture`` makes."""
    return type(value).__module__ == "_pytest.fixtures"
