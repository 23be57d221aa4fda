"""From the text of a YAML file to nodes, within limits that no file gets past.

The parser's events are read one by one instead of composing a tree first: libyaml's own
composer recurses in C and crashes the interpreter on deep nesting, and limits on size must
hold before the memory is spent. Tags never construct anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
import yaml

from skykeep.errors import ConfigError, Problem
from skykeep.settings.nodes import Node, Plain, Row, Scalar, Table, Unknown, below
from skykeep.settings.substitute import substitute

MAX_NODES = 20_000
MAX_DEPTH = 64

_STANDARD = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_STANDARD + name for name in ("str", "null", "bool", "int", "float"))
_READ = {
    _STANDARD + name: f"construct_yaml_{name}" for name in ("null", "bool", "int", "float")
}
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_construct = yaml.constructor.SafeConstructor()
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Parsed(msgspec.Struct):
    """What a file says.

    Attributes:
        root: all of it; None if the file is empty.
        problems: what is wrong whoever reads it.
        unset: variables that are not set, which matters to those who need them: an
            ``Unknown`` stands on the same line.
    """

    root: Node | None
    problems: list[Problem]
    unset: list[Problem]


def parse(text: str, source: str, environ: Mapping[str, str]) -> Parsed:
    """Read the text of a YAML file.

    Raises ``ConfigError`` for what makes the rest unreadable: a mistake in the syntax,
    several documents, an alias inside itself, more than 20,000 nodes with all aliases
    followed, more than 64 levels. It has the problems found before that one, too.
    """
    composer = _Composer(source, environ)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            composer.take(event)
    except _Fatal as fatal:
        raise ConfigError([*composer.found(), fatal.problem]) from None
    except yaml.YAMLError as error:
        raise ConfigError([*composer.found(), _syntax(error, source, text)]) from None
    except (OverflowError, ValueError):
        # Without libyaml: an escape in quoted text that names no character.
        problem = Problem(source, 0, "", "this is not YAML: an escape is no character")
        raise ConfigError([*composer.found(), problem]) from None
    return Parsed(composer.root, composer.problems, composer.unset)


class _Fatal(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Bad(Enum):
    """Stands where a key should be that is none."""

    KEY = 1
    """The key itself is being read."""
    VALUE = 2
    """The key is over; its value follows."""


class _Open(msgspec.Struct):
    """A mapping or list whose end has not come yet."""

    node: Table | Row
    anchor: str | None
    ours: bool
    """False if its tag was refused."""
    key: str | _Bad | None = None
    key_line: int = 0
    merges: list[Node] = []


class _Composer:
    def __init__(self, source: str, environ: Mapping[str, str]) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.unset: list[Problem] = []
        self._source = source
        self._environ = environ
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self._nodes = 0

    def found(self) -> list[Problem]:
        return sorted([*self.problems, *self.unset], key=lambda problem: problem.line)

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._count(1, line)
            if self._wants_key():
                self._take_key(event, line)
                return
            scalar = self._scalar(event, line)
            self._remember(event.anchor, scalar)
            self._put(scalar)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(str(event.anchor), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._count(1, line)
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._fatal(line, "a second document begins here: one is expected")

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(self._source, line, self._path(), message))

    def _fatal(self, line: int, message: str) -> _Fatal:
        return _Fatal(Problem(self._source, line, self._path(), message))

    def _path(self) -> str:
        key = ""
        for level in self._stack:
            if isinstance(level.node, Row):
                key = f"{key}[{len(level.node.items)}]"
            elif isinstance(level.key, str):
                key = below(key, shown_key(level.key))
        return key

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._fatal(
                line, f"the file has more than {MAX_NODES:,} values, with all aliases followed"
            )

    def _wants_key(self) -> bool:
        return bool(self._stack) and self._at_key(self._stack[-1])

    @staticmethod
    def _at_key(level: _Open) -> bool:
        return isinstance(level.node, Table) and level.key is None

    def _take_key(self, event: Any, line: int) -> None:
        level = self._stack[-1]
        # Whatever YAML 1.1 makes of `on`, `no` or `2024`: a key is the text that it shows.
        level.key, level.key_line = event.value, line
        self._remember(event.anchor, self._text(event.value, line))

    def _take_alias(self, anchor: str, line: int) -> None:
        if any(level.anchor == anchor for level in self._stack):
            raise self._fatal(line, f"the alias '*{shown_key(anchor)}' contains itself")
        node = self._anchors.get(anchor)
        if node is None:
            self._problem(line, f"there is no anchor '&{shown_key(anchor)}' before this alias")
            node = Unknown(source=self._source, line=line)
        self._count(node.size, line)
        if len(self._stack) + node.height > MAX_DEPTH:
            raise self._too_deep(line)
        if self._wants_key():
            level = self._stack[-1]
            if isinstance(node, Scalar) and not node.variables:
                level.key, level.key_line = node.text, line
            else:
                self._refuse_key(level, line)
                level.key = _Bad.VALUE
            return
        if not isinstance(node, Unknown):
            node = msgspec.structs.replace(node, line=line, key_line=line)
        self._put(node)

    def _too_deep(self, line: int) -> _Fatal:
        # Without the key, which would be 64 levels long.
        message = f"values are nested more than {MAX_DEPTH} levels deep"
        return _Fatal(Problem(self._source, line, "", message))

    def _open(self, event: Any, line: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._too_deep(line)
        if self._wants_key():
            self._refuse_key(self._stack[-1], line)
            # Its content is read as a value that nobody sees; the key's own value follows.
        mapping = isinstance(event, yaml.MappingStartEvent)
        ours = event.tag in {None, "!", f"{_STANDARD}{'map' if mapping else 'seq'}"}
        if not ours:
            self._unknown_tag(event.tag, line)
        node: Table | Row = (
            Table(source=self._source, line=line, key_line=line, items={})
            if mapping
            else Row(source=self._source, line=line, key_line=line, items=[])
        )
        self._stack.append(_Open(node, event.anchor, ours))

    def _refuse_key(self, level: _Open, line: int) -> None:
        self._problem(line, "a key is text, not a mapping, a list or a variable")
        level.key, level.key_line = _Bad.KEY, line

    def _close(self) -> None:
        level = self._stack.pop()
        if isinstance(level.node, Table):
            self._merge(level.node.items, level.merges)
            children = list(level.node.items.values())
        else:
            children = level.node.items
        level.node.size = 1 + sum(child.size for child in children)
        level.node.height = 1 + max((child.height for child in children), default=0)
        node: Node = level.node if level.ours else self._unknown(level.node.line)
        self._remember(level.anchor, node)
        if self._stack and self._stack[-1].key is _Bad.KEY:
            self._stack[-1].key = _Bad.VALUE
            return
        self._put(node)

    def _merge(self, into: dict[str, Node], merges: list[Node]) -> None:
        for merged in merges:
            tables = merged.items if isinstance(merged, Row) else [merged]
            for source in tables:
                if isinstance(source, Table):
                    for name, child in source.items.items():
                        into.setdefault(name, child)
                elif not isinstance(source, Unknown):
                    self._problem(merged.line, "'<<' takes a mapping or a list of mappings")

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _put(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        level = self._stack[-1]
        if isinstance(level.node, Row):
            level.node.items.append(node)
            return
        key = level.key
        node.key_line = level.key_line
        if isinstance(node, (Table, Row)):
            node.line = level.key_line
        if key == "<<":
            level.merges.append(node)
        elif isinstance(key, str):
            first = level.node.items.setdefault(key, node)
            if first is not node:
                self._problem(
                    level.key_line, f"the key is here twice; first on line {first.key_line}"
                )
        level.key = None

    def _unknown(self, line: int, *, unset: bool = False) -> Unknown:
        return Unknown(source=self._source, line=line, key_line=line, unset=unset)

    def _unknown_tag(self, tag: str, line: int) -> None:
        written = tag.replace(_STANDARD, "!!", 1) if tag.startswith(_STANDARD) else tag
        self._problem(
            line, f"unknown tag '{shown_key(written)}'; nothing is constructed from it"
        )

    def _text(self, text: str, line: int) -> Scalar:
        return Scalar(source=self._source, line=line, key_line=line, value=text, text=text)

    def _scalar(self, event: Any, line: int) -> Node:
        tag: str | None = event.tag
        if tag is not None and tag != "!" and tag not in _SCALAR_TAGS:
            self._unknown_tag(tag, line)
            return self._unknown(line)
        found = substitute(event.value, self._environ)
        for name in found.unset:
            self.unset.append(Problem(self._source, line, self._path(), _unset(name)))
        for mistake in found.mistakes:
            self._problem(line, mistake)
        if found.unset or found.mistakes:
            return self._unknown(line, unset=not found.mistakes)
        if tag is None and event.implicit[0]:
            tag = _implicit_tag(found.text)
        try:
            value = _value(tag, found.text)
        except (ValueError, KeyError):
            name = (tag or "").removeprefix(_STANDARD)
            self._problem(line, f"this is not a value that YAML's '{name}' can have")
            return self._unknown(line)
        return Scalar(
            source=self._source,
            line=line,
            key_line=line,
            value=value,
            text=found.text,
            variables=found.variables,
            quoted=event.style in {"'", '"'},
        )


def _unset(name: str) -> str:
    return f"the environment variable {name} is not set; ${{{name}:-default}} gives a default"


def shown_key(key: str) -> str:
    """A key as problems show it: without line breaks, and cut when it is long."""
    text = key if key.isprintable() else ascii(key)[1:-1]
    return text if len(text) <= 60 else f"{text[:60]}…"


def _implicit_tag(text: str) -> str:
    candidates: Iterator[tuple[str, Any]] = iter(
        [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]
    )
    return next((tag for tag, pattern in candidates if pattern.match(text)), f"{_STANDARD}str")


def _value(tag: str | None, text: str) -> Plain:
    if tag is None or tag not in _READ:
        return text
    value: Plain = getattr(_construct, _READ[tag])(yaml.ScalarNode(tag, text))
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value


def _syntax(error: yaml.YAMLError, source: str, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        line = mark.line + 1
    else:
        # The reader refuses characters without saying where in a way that can be relied on.
        bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, bad.start()) + 1 if bad else 1
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    context = getattr(error, "context", None)
    message = f"this is not YAML: {context + ': ' if context else ''}{what}"
    if any("${" in written for written in text.split("\n")[line - 1 : line]):
        message += (
            "; a value with '${' inside { } and [ ] has to be quoted, or on a line of its own"
        )
    return Problem(source, line, "", message)
