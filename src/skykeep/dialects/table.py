"""Which dialects there are, and how a file shows which one it is written in.

A dialect's file is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import cast

from skykeep.dialects.model import Item, Outgoing
from skykeep.errors import Invalid

WRITTEN = {
    "dotenv": "dotenv",
    "json": "json_document",
    "yaml": "yaml_document",
    "shell": "shell",
    "fish": "fish",
    "powershell": "powershell",
    "docker": "docker",
    "kubernetes": "kubernetes",
    "github-actions": "github_actions",
    "tfvars": "tfvars",
}
"""Dialect -> the file in this folder that writes and reads it."""

BY_NAME = frozenset({"json", "yaml"})
"""Those that keep names as they are; the others have variables."""

_FOREIGN = {
    "keepass": ("keepass", "read"),
    "bitwarden": ("bitwarden", "read"),
    "1pux": ("onepassword", "read_1pux"),
    "1password-csv": ("onepassword", "read_csv"),
}

READ = (*WRITTEN, *_FOREIGN)
"""What a file can be read as."""

_ENDINGS = {
    ".env": "dotenv", ".yaml": "yaml", ".yml": "yaml", ".sh": "shell", ".bash": "shell",
    ".zsh": "shell", ".fish": "fish", ".ps1": "powershell", ".tfvars": "tfvars",
    ".json": "json", ".1pux": "1pux", ".xml": "keepass", ".csv": "1password-csv",
}  # fmt: skip


def written(dialect: str, values: Sequence[Outgoing]) -> str:
    """The values as text. Raises ``Invalid`` that names what cannot be carried."""
    module = import_module(f"skykeep.dialects.{WRITTEN[dialect]}")
    write = cast("Callable[[Sequence[Outgoing]], str]", module.write)
    return write(values)


def read(dialect: str, data: bytes, source: str) -> Sequence[Item]:
    """What is in the file's bytes; ``source`` names it in errors. Raises ``Invalid``."""
    file, function = _FOREIGN.get(dialect) or (WRITTEN[dialect], "read")
    reader = getattr(import_module(f"skykeep.dialects.{file}"), function)
    return cast("Callable[[bytes, str], Sequence[Item]]", reader)(data, source)


def guessed(data: bytes, source: str) -> str:
    """The dialect, by the file's name and, where that leaves a choice, by what is in it.

    Raises ``Invalid`` if neither says it.
    """
    path = PurePath(source)
    ending = ".env" if path.name == ".env" or path.name.startswith(".env.") else path.suffix
    found = _ENDINGS.get(ending.lower(), "")
    if found == "json":
        from skykeep.dialects.json_document import Pairs, parsed

        document = parsed(data, source)
        keys = {key for key, _ in document} if isinstance(document, Pairs) else set()
        if "items" in keys and keys & {"encrypted", "folders", "collections"}:
            return "bitwarden"
        return "kubernetes" if {"apiVersion", "kind"} <= keys else "json"
    if found == "yaml":
        from yaml import MappingNode

        from skykeep.dialects.yaml_document import documents

        for node in documents(data, source)[:1]:
            pairs = node.value if isinstance(node, MappingNode) else []
            if {"apiVersion", "kind"} <= {getattr(key, "value", None) for key, _ in pairs}:
                return "kubernetes"
    if not found:
        raise Invalid(
            f"the name {path.name!a} does not say how the file is written",
            hint=f"say it with --format: {', '.join(READ)}",
        )
    return found
