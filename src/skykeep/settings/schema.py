"""The JSON Schema of the configuration file, for editors.

Made of the model, so that it cannot say anything else. What needs more than a schema (a
variable that is unset, a name that is no secret's) is left to ``config check``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from skykeep.settings.model import EnvironmentSettings, TargetSettings
from skykeep.settings.shapes import DEFAULTS, EXTENSION, VARIABLE_NAME
from skykeep.settings.targets import HOMES
from skykeep.settings.trees import AuthTree, CloudTree

_REF = "#/$defs/{name}"
_VARIABLE_TEXT = {"$ref": "#/$defs/Variable"}
_TARGET = {"$ref": "#/$defs/TargetSettings"}


def json_schema(providers: Mapping[str, type[TargetSettings]] | None = None) -> dict[str, Any]:
    """The schema (draft 2020-12) of a configuration file of either shape.

    ``providers``: a provider's name -> its target settings, whose keys are then checked,
    too. Targets of other providers may have any keys beside the portable ones.
    """
    providers = providers or {}
    kinds: list[type[Any]] = [EnvironmentSettings, CloudTree, AuthTree, TargetSettings]
    kinds += providers.values()
    _, definitions = msgspec.json.schema_components(kinds, ref_template=_REF)
    for kind in _structs(kinds):
        _describe(definitions[_name(kind, definitions)], kind)
    definitions = {name: _with_variables(part) for name, part in sorted(definitions.items())}
    definitions["Variable"] = {
        "description": "${NAME} or ${NAME:-default}: an environment variable.",
        "type": "string",
        "pattern": r"\$\{",
    }
    environment = definitions["EnvironmentSettings"]
    environment["properties"] |= {
        role: _TARGET | {"description": environment["properties"][role]["description"]}
        for role in ("primary", *HOMES)
    }
    environment["properties"] |= {
        "failover": _one_or_more(environment["properties"]["failover"]["description"]),
        "backups": {
            "description": environment["properties"]["backups"]["description"],
            "type": "array",
            "items": _TARGET,
        },
    }
    definitions["LoadingSettings"]["properties"]["sources"]["items"] = _TARGET
    environment["properties"]["run"]["propertyNames"] = {"pattern": f"^{VARIABLE_NAME}$"}
    _open_target(definitions["TargetSettings"], providers)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "skykeep configuration",
        "description": (
            "Named environments (a mapping with 'primary' each), the 'cloud:' and 'auth:' "
            "trees, or both; beside them, defaults for all environments."
        ),
        "type": ["object", "null"],
        "properties": {
            "default_environment": {
                "description": "The environment to take if none is named.",
                "type": "string",
            },
            "cloud": {"$ref": "#/$defs/CloudTree"},
            "auth": {"$ref": "#/$defs/AuthTree"},
            **{name: environment["properties"][name] for name in DEFAULTS},
        },
        "patternProperties": {f"^{EXTENSION}": True},
        "additionalProperties": {"$ref": "#/$defs/EnvironmentSettings"},
        "$defs": definitions,
    }


def _structs(kinds: list[type[Any]]) -> list[type[Any]]:
    """The structs that are part of the kinds, themselves included."""
    found: dict[type[Any], None] = {}

    def visit(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in found:
            found[info.cls] = None
            for field in info.fields:
                visit(field.type)
        for member in getattr(info, "types", ()):
            visit(member)
        if isinstance(info, msgspec.inspect.VarTupleType):
            visit(info.item_type)

    for info in msgspec.inspect.multi_type_info(kinds):
        visit(info)
    return list(found)


def _name(kind: type[Any], definitions: Mapping[str, Any]) -> str:
    """What msgspec calls the struct: with its module where others have its name, too."""
    short = kind.__name__
    return short if short in definitions else f"{kind.__module__}.{kind.__qualname__}"


def _describe(definition: dict[str, Any], kind: type[Any]) -> None:
    definition["description"] = _sentence(inspect.getdoc(kind) or "").partition(" Attributes:")[
        0
    ]
    for ancestor in reversed(kind.__mro__):
        for name, text in attributes(ancestor).items():
            if name in definition["properties"]:
                definition["properties"][name]["description"] = text


def attributes(kind: type[Any]) -> dict[str, str]:
    """The attributes that the class's docstring describes, with their descriptions."""
    _, _, section = inspect.cleandoc(kind.__dict__.get("__doc__") or "").partition(
        "Attributes:\n"
    )
    described = re.findall(r"^    (\w+(?:, \w+)*): (.*(?:\n     .*)*)", section, re.MULTILINE)
    return {name: _sentence(text) for names, text in described for name in names.split(", ")}


def _sentence(text: str) -> str:
    return " ".join(text.replace("``", "").split())


def _with_variables(schema: Any) -> Any:
    """Let a variable stand where text alone would be refused."""
    if isinstance(schema, (list, tuple)):
        return [_with_variables(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    # Among properties, ``type`` is one of that name.
    kind = schema.get("type")
    if "enum" in schema or (isinstance(kind, str) and kind in {"integer", "number", "boolean"}):
        outer = {key: schema[key] for key in ("description", "default") if key in schema}
        inner = {key: value for key, value in schema.items() if key not in outer}
        return {**outer, "anyOf": [inner, _VARIABLE_TEXT]}
    return {key: _with_variables(value) for key, value in schema.items()}


def _one_or_more(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "anyOf": [_TARGET, {"type": "array", "items": _TARGET}],
    }


def _open_target(
    definition: dict[str, Any], providers: Mapping[str, type[TargetSettings]]
) -> None:
    """A target has the portable keys, and those that its own provider says."""
    definition["additionalProperties"] = True
    if providers:
        definition["allOf"] = [
            {
                "if": {
                    "properties": {"backend": {"const": name}},
                    "required": ["backend"],
                },
                "then": {"$ref": f"#/$defs/{kind.__name__}"},
            }
            for name, kind in sorted(providers.items())
        ]
