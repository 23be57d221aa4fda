"""A Kubernetes Secret in YAML, its values as base64, so that every byte is carried.

Kubernetes' documentation, "Secret": keys have letters, digits, ``-``, ``_`` and ``.``; all
values of one Secret together have at most 1 MiB.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import yaml

from skykeep.dialects.model import Item, Outgoing, broken
from skykeep.dialects.yaml_document import documents, from_base64, line_of, members, scalar
from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_value import SecretValue

MAX_BYTES = 1024 * 1024

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z")


def quoted(value: SecretValue) -> str:
    """The value as base64."""
    return base64.b64encode(value.reveal()).decode()


def write(values: Sequence[Outgoing], name: str = "skykeep") -> str:
    """One Secret called ``name``. Raises ``Invalid``."""
    if not _NAME.match(name):
        raise Invalid(
            f"{shown(name)} cannot name a Kubernetes Secret",
            hint="use lower-case letters, digits, '-' and '.', a letter or digit at both ends",
        )
    size = sum(one.value.size for one in values)
    if size > MAX_BYTES:
        raise Invalid(
            f"a Kubernetes Secret has at most {MAX_BYTES:,} bytes; these values have {size:,}",
            hint="export fewer of them, under a longer prefix",
        )
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": "Opaque",
            "data": {one.key: quoted(one.value) for one in values},
        },
        sort_keys=False,
        width=2**31,
    )


def read(data: bytes, source: str) -> list[Item]:
    """The values of all Secrets, of documents and of a List. Raises ``Invalid``.

    ``stringData`` goes before ``data``, as in the API server.
    """
    found: list[Item] = []
    for node in documents(data, source):
        _collect(node, source, found)
    return found


def _collect(node: yaml.Node, source: str, found: list[Item]) -> None:
    parts = dict(members(node, source, "a Secret"))
    kind = getattr(parts.get("kind"), "value", None)
    if kind == "List" and isinstance(parts.get("items"), yaml.SequenceNode):
        for item in parts["items"].value:
            if item is node:
                raise broken(source, line_of(item), "aliases are not followed")
            _collect(item, source, found)
        return
    if kind != "Secret":
        raise broken(source, line_of(node), "this is no Secret")
    values: dict[str, SecretValue] = {}
    if not _empty(parts.get("data")):
        for key, value in members(parts["data"], source, "data"):
            values[key] = from_base64(value, source)
    if not _empty(parts.get("stringData")):
        for key, value in members(parts["stringData"], source, "stringData"):
            values[key] = scalar(value, source)
    found += [Item((key,), [("", value)], exact=True) for key, value in values.items()]


def _empty(node: yaml.Node | None) -> bool:
    return node is None or (
        isinstance(node, yaml.ScalarNode) and node.value in {"", "null", "~"}
    )
