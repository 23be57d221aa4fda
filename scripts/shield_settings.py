"""The settings of the shield, from their classes: ``python -m scripts.shield_settings``.

Fills what stands between ``<!-- settings: NAME -->`` and ``<!-- end -->`` in
docs/shield/settings.md, and writes docs/schema/shield.schema.json for editors.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from llm_shield.presets import BOUNDS, COMMON, SCANNERS
from llm_shield.scanner import Cost, ScannerSettings, Side
from llm_shield.scanners import HOMES, scanner_class
from llm_shield.settings import ModelsSettings, ShieldSettings
from skykeep.settings.schema import attributes

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "shield" / "settings.md"
SCHEMA = DOCS / "schema" / "shield.schema.json"

_PLACE = re.compile(
    r"(?P<start><!-- settings: (?P<name>[^>]+?) -->\n)(?:.*?)(?P<end><!-- end -->\n)", re.DOTALL
)
_REF = "#/$defs/{name}"


def described(kind: type[Any]) -> dict[str, str]:
    """What the docstrings of a class and of those that it extends say of its settings."""
    found: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        found |= {
            name: text
            for names, text in attributes(ancestor).items()
            for name in names.split(", ")
        }
    return found


def table(kind: type[Any], *, without: type[Any] | None = None) -> str:
    """The settings of a class, but for those of ``without``."""
    (ref,), definitions = msgspec.json.schema_components([kind], ref_template=_REF)
    definition = definitions[ref["$ref"].rpartition("/")[2]]
    meant = described(kind)
    left_out = set(without.__struct_fields__) if without else set()
    rows = [
        f"| `{name}` | {_takes(schema, definitions)} | {_default(schema)} | "
        f"{meant[name].replace('|', chr(92) + '|')} |".replace("|  ", "| ")
        for name, schema in definition["properties"].items()
        if name not in left_out
    ]
    if not rows:
        return "It has no settings of its own.\n"
    return "\n".join(["| key | takes | default | |", "| --- | --- | --- | --- |", *rows, ""])


def _takes(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return "a mapping"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"] if one is not None)
    if "anyOf" in schema:
        kinds = [_takes(one, definitions) for one in schema["anyOf"]]
        return " or ".join(one for one in dict.fromkeys(kinds) if one != "nothing")
    words = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "object": "a mapping",
        "null": "nothing",
    }
    kind = schema.get("type", "")
    if kind == "array":
        inner = _takes(schema.get("items", {}), definitions) if schema.get("items") else ""
        return f"a list of {inner}" if inner else "a list"
    limits = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    said = [
        f"{phrase} {_number(schema[key])}" for key, phrase in limits.items() if key in schema
    ]
    return ", ".join([words.get(kind, kind), *said])


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default is None or default == "" or isinstance(default, dict):
        return ""
    if isinstance(default, list | tuple):
        if not default:
            return ""
        shown = ", ".join(map(str, default))
        return f"`{shown}`" if len(shown) < 60 else f"{len(default)} of them"
    return f"`{json.dumps(default) if not isinstance(default, str) else default}`"


def presets() -> str:
    """Which scanners are on in which preset."""
    names = list(BOUNDS)
    head = " | ".join(f"`{name}`" for name in names)
    lines = [f"| | {head} |", f"| --- |{' --- |' * len(names)}"]
    bounds = (BOUNDS[name] for name in names)
    cells = " | ".join("never" if bound is None else f"{bound:g}" for bound in bounds)
    lines.append(f"| the rest is skipped from a risk of | {cells} |")
    policies = " | ".join(f"`{COMMON[name].get('on_failure', 'closed')}`" for name in names)
    lines.append(f"| `on_failure` | {policies} |")
    for side in Side:
        for scanner in HOMES:
            if not any(scanner in SCANNERS[name][side] for name in names):
                continue
            marks = " | ".join(
                "on" if scanner in SCANNERS[name][side] else "" for name in names
            )
            lines.append(f"| {side.value}: {scanner} | {marks} |".replace("|  ", "| "))
    return "\n".join([*lines, ""])


def scanners() -> str:
    """A section for each scanner."""
    return "\n".join(_section(name) for name in HOMES)


def _section(name: str) -> str:
    kind = scanner_class(name)
    sides = " and ".join(
        {Side.INPUT: "prompts", Side.OUTPUT: "answers"}[side]
        for side in Side
        if side in kind.sides
    )
    cost = {
        Cost.PATTERN: "on patterns",
        Cost.MODEL: "on a model",
        Cost.NETWORK: "over the network",
    }
    page = f"../scanners/{HOMES[name].replace('_', '-')}.md"
    own = table(kind.Settings, without=ScannerSettings)
    usual = kind.Settings()
    changed = [
        f"`{field}` is `{getattr(usual, field)}`"
        for field in ScannerSettings.__struct_fields__
        if getattr(usual, field) != getattr(ScannerSettings(), field)
    ]
    differs = f" Here {', '.join(changed)} by default." if changed else ""
    said = f"[{kind.summary.rstrip('.')}]({page}): {sides}, {cost[kind.cost]}.{differs}"
    return f"### {name}\n\n{said}\n\n{own}"


TABLES: dict[str, Callable[[], str]] = {
    "the file": lambda: table(ShieldSettings),
    "models": lambda: table(ModelsSettings),
    "every scanner": lambda: table(ScannerSettings),
    "presets": presets,
    "scanners": lambda: scanners() + "\n",
}


def filled(text: str) -> str:
    """The page with its tables made anew."""
    return _PLACE.sub(
        lambda place: place["start"] + TABLES[place["name"]]() + place["end"], text
    )


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a settings file."""
    kinds = {name: scanner_class(name) for name in HOMES}
    structs: list[type[Any]] = [ShieldSettings, *(kind.Settings for kind in kinds.values())]
    refs, definitions = msgspec.json.schema_components(structs, ref_template=_REF)
    described_ones: list[type[Any]] = [ModelsSettings, *structs]
    for struct in described_ones:
        definition = definitions.get(struct.__name__)
        if definition is not None:
            definition["description"] = _first(struct)
            for name, said in described(struct).items():
                if name in definition["properties"]:
                    definition["properties"][name]["description"] = said
    top = definitions.pop(refs[0]["$ref"].rpartition("/")[2])
    by_name = dict(zip(kinds, refs[1:], strict=True))
    for side in Side:
        top["properties"][side.value] |= {
            "properties": {
                name: {"anyOf": [{"type": "boolean"}, by_name[name]]}
                for name, kind in kinds.items()
                if side in kind.sides
            },
            "additionalProperties": False,
        }
    top["properties"]["order"]["items"] = {"enum": list(HOMES)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": "llm_shield settings",
        "$defs": dict(sorted(definitions.items())),
    }


def _first(kind: type[Any]) -> str:
    text = (inspect.getdoc(kind) or "").partition("Attributes:")[0]
    return " ".join(text.replace("``", "").split())


def written() -> Iterator[tuple[Path, str]]:
    """The files, as they should be."""
    yield PAGE, filled(PAGE.read_text(encoding="utf-8"))
    yield SCHEMA, json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    for path, text in list(written()):
        path.write_text(text, encoding="utf-8")
