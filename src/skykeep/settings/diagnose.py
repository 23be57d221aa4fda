"""Nodes against the types of the model: the value, or all that is wrong with it.

Right settings take the quick way, one conversion. Only when that fails are the types walked
to say what was expected at each place, all mistakes at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from skykeep.errors import Problem
from skykeep.settings.masks import MASK, described, shown_text
from skykeep.settings.nodes import (
    Node,
    Row,
    Scalar,
    Table,
    Unknown,
    below,
    is_known,
    plain,
    walk,
)

T = TypeVar("T")


def checked(node: Node, kind: type[T], key: str, problems: list[Problem]) -> T | None:
    """The node as a ``kind``; None, and ``problems`` appended to, if it is not one.

    ``key`` is the node's dotted key.
    """
    failure = ""
    if is_known(node):
        try:
            return msgspec.convert(plain(node), kind)
        except msgspec.ValidationError as error:
            failure = str(error)
    found: list[Problem] = []
    _look(node, msgspec.inspect.type_info(kind), key, found)
    if failure and not found:
        found.append(_unexplained(node, key, failure))
    problems += found
    return None


def nearest(name: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The candidate that was probably meant, or None."""
    import difflib

    lower = {candidate.lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=cutoff)
    return lower[near[0]] if near else None


def meant(name: str, candidates: Iterable[str], known: Iterable[str] | None = None) -> str:
    """The end of a message about a wrong name: the nearest right one, or all of them.

    ``known`` are all right names, if some of them are no candidates.
    """
    candidates = list(candidates)
    near = nearest(name, candidates)
    if near is not None:
        return f"; did you mean '{near}'?"
    return f"; known: {', '.join(candidates if known is None else known)}"


def value_problem(node: Node, key: str, message: str) -> Problem:
    """A problem of a value."""
    return Problem(node.source, node.line, key, message)


def key_problem(node: Node, key: str, message: str) -> Problem:
    """A problem of the key that ``node`` is the value of."""
    return Problem(node.source, node.key_line, key, message)


def _look(node: Node, info: Any, key: str, found: list[Problem]) -> None:
    kind = _kind(info)
    if isinstance(node, Unknown) or kind == "AnyType":
        return
    if kind == "UnionType":
        shapes = [member for member in info.types if _shape(node, member)]
        fitting = [member for member in shapes if _fits(node, member)]
        if shapes:
            _look(node, (fitting or shapes)[0], key, found)
        else:
            found.append(value_problem(node, key, _mismatch(node, info, key)))
    elif not _fits(node, info):
        found.append(value_problem(node, key, _mismatch(node, info, key)))
    elif kind == "StructType" and isinstance(node, Table):
        _look_at_struct(node, info, key, found)
    elif kind == "DictType" and isinstance(node, Table):
        for name, child in node.items.items():
            _look(child, info.value_type, below(key, name), found)
    elif kind in {"ListType", "VarTupleType"} and isinstance(node, Row):
        for index, child in enumerate(node.items):
            _look(child, info.item_type, f"{key}[{index}]", found)


def _look_at_struct(node: Table, info: Any, key: str, found: list[Problem]) -> None:
    fields = {field.encode_name: field for field in info.fields}
    free = [name for name in fields if name not in node.items]
    explained: set[str | None] = set()
    for name, child in node.items.items():
        field = fields.get(name)
        if field is not None:
            _look(child, field.type, below(key, name), found)
        elif info.forbid_unknown_fields:
            explained.add(nearest(name, free))
            message = f"unknown key{meant(name, free, fields)}"
            found.append(key_problem(child, below(key, name), message))
    for name in free:
        if fields[name].required and name not in explained:
            message = f"the key '{name}' is missing: expected {_expected(fields[name].type)}"
            found.append(value_problem(node, key, message))


def _kind(info: Any) -> str:
    """The name of one of the types of ``msgspec.inspect``, which share no base to ask."""
    return type(info).__name__


_WORDS = {
    "StructType": "a mapping",
    "DictType": "a mapping",
    "ListType": "a list",
    "VarTupleType": "a list",
    "BoolType": "true or false",
    "NoneType": "nothing",
    "AnyType": "a value",
}
_SCALARS = {"StrType", "LiteralType", "IntType", "FloatType"}


def _shape(node: Node, info: Any) -> bool:
    """Whether the node is of that kind, whatever its range."""
    kind = _kind(info)
    if kind not in _WORDS and kind not in _SCALARS:
        # A type that only msgspec judges.
        return True
    if isinstance(node, Table):
        return kind in {"StructType", "DictType"}
    if isinstance(node, Row):
        return kind in {"ListType", "VarTupleType"}
    value = node.value if isinstance(node, Scalar) else None
    if value is None:
        return kind == "NoneType"
    if isinstance(value, bool):
        return kind == "BoolType"
    if isinstance(value, str):
        return kind in {"StrType", "LiteralType"}
    if isinstance(value, int):
        return kind in {"IntType", "FloatType", "LiteralType"}
    return kind == "FloatType"


def _fits(node: Node, info: Any) -> bool:
    if not _shape(node, info):
        return False
    if not isinstance(node, Scalar):
        return True
    kind, value = _kind(info), node.value
    if kind == "LiteralType":
        return value in info.values
    if isinstance(value, str) and kind == "StrType":
        if info.pattern is not None and not re.search(info.pattern, value):
            return False
        return (info.min_length or 0) <= len(value) <= (info.max_length or len(value))
    if isinstance(value, (int, float)) and kind in _LARGEST:
        return _in_range(value, info)
    return True


_LARGEST: dict[str, float] = {"IntType": 2**63 - 1, "FloatType": 1.7e308}


def _in_range(value: float, info: Any) -> bool:
    return (
        abs(value) <= _LARGEST[_kind(info)]
        and (info.ge is None or value >= info.ge)
        and (info.gt is None or value > info.gt)
        and (info.le is None or value <= info.le)
        and (info.lt is None or value < info.lt)
    )


def _mismatch(node: Node, info: Any, key: str) -> str:
    expected = _expected(info)
    message = f"expected {expected}, got {described(node, key)}"
    if not isinstance(node, Scalar) or node.value is None:
        return message
    if not isinstance(node.value, str):
        return f"{message}; quote it" if expected.startswith(("text", "one of")) else message
    if node.quoted and expected.startswith(("a number", "a whole", "true")):
        return f"{message}; leave the quotes off"
    near = None if node.variables else nearest(node.value, _choices(info))
    return f"{message}; did you mean '{near}'?" if near else message


def _choices(info: Any) -> list[str]:
    members = getattr(info, "types", (info,))
    return [str(value) for member in members for value in getattr(member, "values", ())]


def _expected(info: Any) -> str:
    kind = _kind(info)
    if kind == "UnionType":
        members = [_expected(member) for member in info.types]
        return " or ".join(member for member in members if member != "nothing")
    if kind == "LiteralType":
        return f"one of {', '.join(shown_text(str(value)) for value in info.values)}"
    if kind in _LARGEST:
        return ("a whole number" if kind == "IntType" else "a number") + _range(info)
    if kind == "StrType":
        if info.pattern is not None:
            return f"text like {info.pattern}"
        return "text that is not empty" if info.min_length else "text"
    return _WORDS.get(kind, "another kind of value")


def _range(info: Any) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge:g} to {info.le:g}"
    words = []
    for bound, phrase in (
        (info.ge, "of at least"),
        (info.gt, "greater than"),
        (info.le, "of at most"),
        (info.lt, "less than"),
    ):
        if bound is not None:
            words.append(f" {phrase} {bound:g}")
    return " and".join(words)


def _unexplained(node: Node, key: str, failure: str) -> Problem:
    """A rule that the types do not show, such as a provider's own check."""
    message, _, path = failure.partition(" - at `$")
    for name, index in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", path):
        if name and isinstance(node, Table) and name in node.items:
            node, key = node.items[name], below(key, name)
        elif index and isinstance(node, Row):
            node, key = node.items[int(index)], f"{key}[{index}]"
    # A check across several keys begins by naming the one that is to be changed.
    named = message.split(maxsplit=1)[0] if message else ""
    if isinstance(node, Table) and named in node.items:
        node, key = node.items[named], below(key, named)
    for _, part in walk(node):
        if isinstance(part, Scalar) and part.variables and part.text:
            message = message.replace(part.text, MASK)
    return value_problem(node, key, message)
