"""The filters of lists: ``name:app AND labels.stage=test``.

Documented (cloud.google.com/secret-manager/docs/filtering): ``:`` on a text is "contains",
``=`` the whole, both without regard to case; ``NOT`` or ``-``, ``AND``, ``OR``, brackets, and
``<``, ``<=``, ``>``, ``>=`` for times; no regular expressions. Terms side by side are joined by
AND, and OR binds stronger than AND (AIP-160). What is unknown is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.peers.fakes.secret_manager_errors import invalid

Matches = Callable[[Any], bool]

QUOTED = r'"(?P<quoted>(?:[^"\\]|\\.)*)"'
TOKEN = re.compile(
    rf"\s*(?:(?P<mark>[()])|(?P<operator><=|>=|!=|[:=<>])|{QUOTED}"
    r'|(?P<minus>-)(?=[A-Za-z(])|(?P<word>[^\s()":=<>!]+))'
)
# Behind an operator, colons are part of the word: times have them.
VALUE = re.compile(rf'\s*(?:{QUOTED}|(?P<word>[^\s()"]+))')
Token = tuple[str, str]

TIMES = {"create_time", "expire_time", "destroy_time", "scheduled_destroy_time"}
HIDDEN = {"etag", "ttl", "tags", "rotation", "version_destroy_ttl"}  # nothing to compare with


def matcher(text: str, kind: Any) -> Matches:
    """For messages of this class. An empty text matches all."""
    if not text.strip():
        return lambda message: True
    return _Parser(_tokens(text), kind).all()


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        behind = bool(found) and found[-1][0] == "operator"
        token = (VALUE if behind else TOKEN).match(text, position)
        if token is None or token.lastgroup is None:
            raise _wrong()
        value = token[token.lastgroup]
        if token.lastgroup == "quoted":
            value = re.sub(r"\\(.)", r"\1", value)
        found.append((token.lastgroup, value))
        position = token.end()
    return found


def _wrong() -> Exception:
    return invalid("Invalid list filter.", "filter")


class _Parser:
    def __init__(self, tokens: list[Token], kind: Any) -> None:
        self._tokens = tokens
        self._kind = kind

    def all(self) -> Matches:
        found = self._conjunction()
        if self._tokens:
            raise _wrong()
        return found

    def _next(self) -> Token:
        if not self._tokens:
            raise _wrong()
        return self._tokens.pop(0)

    def _ahead(self) -> Token:
        return self._tokens[0] if self._tokens else ("end", "")

    def _conjunction(self) -> Matches:
        parts = [self._disjunction()]
        while self._ahead() not in {("end", ""), ("mark", ")")}:
            if self._ahead() == ("word", "AND"):
                self._next()
            parts.append(self._disjunction())
        return lambda message: all(part(message) for part in parts)

    def _disjunction(self) -> Matches:
        parts = [self._term()]
        while self._ahead() == ("word", "OR"):
            self._next()
            parts.append(self._term())
        return lambda message: any(part(message) for part in parts)

    def _term(self) -> Matches:
        kind, value = self._next()
        if kind == "minus" or (kind, value) == ("word", "NOT"):
            denied = self._term()
            return lambda message: not denied(message)
        if (kind, value) == ("mark", "("):
            inner = self._conjunction()
            self._next()  # the closing one: only that, or the end, ends a conjunction
            return inner
        if kind != "word" or value in {"AND", "OR"} or self._ahead()[0] != "operator":
            raise _wrong()
        operator = self._next()[1]
        return self._comparison(value, operator, wanted=self._next()[1])

    def _comparison(self, field: str, operator: str, wanted: str) -> Matches:
        path = _path(self._kind.DESCRIPTOR, field.split("."))
        if path[0] in TIMES:
            return _time(path[0], operator, wanted)
        if operator not in {":", "=", "!="}:
            raise _wrong()

        def matches(message: Any) -> bool:
            values = _values(message, path)
            if operator == ":":
                if wanted == "*":
                    return bool(values)
                return any(wanted.lower() in value.lower() for value in values)
            same = any(wanted.lower() == value.lower() for value in values)
            return same if operator == "=" else not same

        return matches


def _path(descriptor: Any, path: list[str]) -> list[str]:
    """The names of the fields, which may be written in either way; behind a map's, anything is
    a key. Refused if there is no such field."""
    first, *rest = path
    known = {**descriptor.fields_by_camelcase_name, **descriptor.fields_by_name}
    if first not in known or known[first].name in HIDDEN:
        raise _wrong()
    inner = known[first].message_type
    if not rest or (inner is not None and inner.GetOptions().map_entry):
        return [known[first].name, *rest]
    if inner is None:
        raise _wrong()
    return [known[first].name, *_path(inner, rest)]


def _values(message: Any, path: list[str]) -> list[str]:
    """The texts at a path: a map's entry or its keys, those of each of several messages; for
    a message that is there, one empty text."""
    first, *rest = path
    field = message.DESCRIPTOR.fields_by_name[first]
    value = getattr(message, first)
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        key = ".".join(rest)
        return [str(value[key])] if key in value else [] if rest else list(value)
    if inner is not None:
        there = value if field.is_repeated else [value] if message.HasField(first) else []
        return [text for one in there for text in (_values(one, rest) if rest else [""])]
    if field.enum_type is not None:
        return [field.enum_type.values_by_number[value].name]
    return [str(value)]


def _time(field: str, operator: str, wanted: str) -> Matches:
    try:
        bound = datetime.fromisoformat(wanted).timestamp()
    except ValueError:
        raise _wrong() from None
    holds: dict[str, Callable[[float], bool]] = {
        "<": lambda at: at < bound,
        "<=": lambda at: at <= bound,
        ">": lambda at: at > bound,
        ">=": lambda at: at >= bound,
        "=": lambda at: at == bound,
        ":": lambda at: at == bound,
        "!=": lambda at: at != bound,
    }

    def matches(message: Any) -> bool:
        if field not in message.DESCRIPTOR.fields_by_name or not message.HasField(field):
            return False
        time = getattr(message, field)
        return holds[operator](time.seconds + time.nanos / 1e9)

    return matches
