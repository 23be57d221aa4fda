"""One YAML mapping: names to values, in double quotes. Binary values are ``!!binary``.

YAML 1.1, as PyYAML writes and reads it. What is read is taken as it is written: ``no`` is the
text ``no`` and ``0755`` is the text ``0755``, not a boolean and not a number.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

import yaml

from skykeep.dialects.model import Item, Outgoing, broken, decoded
from skykeep.errors import Invalid
from skykeep.interfaces.secret_value import SecretValue

_BINARY = "tag:yaml.org,2002:binary"
_NULL = "tag:yaml.org,2002:null"


def quoted(value: SecretValue) -> str | bytes:
    """The value as PyYAML takes it: text, or bytes for ``!!binary``."""
    data = value.reveal()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def write(values: Sequence[Outgoing]) -> str:
    """ASCII: what is not printable there is escaped."""
    return yaml.safe_dump(
        {one.key: quoted(one.value) for one in values},
        default_style='"',
        allow_unicode=False,
        sort_keys=False,
        width=2**31,  # lines are not folded: a fold moves the spaces of a value
    )


def documents(data: bytes, source: str) -> list[yaml.Node]:
    """The documents as nodes, which know their lines. Raises ``Invalid``."""
    text = decoded(data, source)
    line = 0
    try:
        return [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
    except (yaml.YAMLError, RecursionError):
        pass  # its text repeats what is in the file
    raise broken(source, line or 1, "this is not YAML")


def members(node: yaml.Node, source: str, what: str) -> Iterator[tuple[str, yaml.Node]]:
    """The pairs of a mapping. Raises ``Invalid`` if it is none or a key is no scalar."""
    if not isinstance(node, yaml.MappingNode):
        raise broken(source, line_of(node), f"{what} is expected to be a mapping")
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise broken(source, line_of(key), "a key is expected to be text")
        yield str(key.value), value


def line_of(node: yaml.Node) -> int:
    """The 1-based line."""
    return int(node.start_mark.line) + 1


def read(data: bytes, source: str) -> list[Item]:
    """Mappings of scalars and of such mappings. Raises ``Invalid`` for all else."""
    found: list[Item] = []
    for node in documents(data, source):
        _collect(node, (), source, found, set())
    return found


def _collect(
    node: yaml.Node, path: tuple[str, ...], source: str, found: list[Item], seen: set[int]
) -> None:
    if id(node) in seen:
        # Followed, a page of aliases of aliases becomes a billion values.
        raise broken(source, line_of(node), "aliases are not followed")
    seen.add(id(node))
    for key, value in members(node, source, "this"):
        here = (*path, *key.split("/"))
        if isinstance(value, yaml.MappingNode):
            _collect(value, here, source, found, seen)
        else:
            found.append(Item(here, [("", scalar(value, source))], exact=True))


def scalar(node: yaml.Node, source: str) -> SecretValue:
    """The text as it is written, or the bytes of ``!!binary``. Raises ``Invalid``."""
    if not isinstance(node, yaml.ScalarNode):
        raise broken(source, line_of(node), "a list is no value", "write the value as text")
    if node.tag == _NULL:
        raise broken(
            source, line_of(node), "there is no value here", "write '' for an empty one"
        )
    if node.tag == _BINARY:
        return from_base64(node, source)
    return SecretValue(node.value)


def from_base64(node: yaml.Node, source: str) -> SecretValue:
    """The bytes that a scalar's base64 stands for. Raises ``Invalid``."""
    text = node.value if isinstance(node, yaml.ScalarNode) else None
    try:
        if isinstance(text, str):
            return SecretValue(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        pass
    raise Invalid(f"{source}:{line_of(node)}: this is no base64")
