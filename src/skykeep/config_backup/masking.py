"""Two configuration files side by side, with what is or may be secret masked.

A value is masked under the keys under which ``config show`` masks it, also where it is an
alias's; so are passwords of addresses, what looks like a well-known token, and what follows a
word of secrets in a comment or within a text. Equal values have equal masks, so that a change
of a secret is seen and the secret is not. A ``${VARIABLE}`` is shown: it is a name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from skykeep.errors import Invalid
from skykeep.redaction.shapes import sightings
from skykeep.settings.masks import MASK, looks_secret
from skykeep.settings.targets import HOMES

MAX_DEPTH: Final = 64
"""Levels of mappings and lists; no configuration has more (``settings.parse``)."""

_NAMES: Final = frozenset({"run", "files", "variables"})
"""What these map are names, whatever they look like: see ``settings.masks``."""
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_PLAIN_WORDS = frozenset({"", "~", "null", "true", "false"})
_COMMENT = re.compile(r"(?:(?<=\s)|\A)#[^\n]*")
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z][\w.-]*)[\"']?[ \t]*[:=][ \t]*(?P<value>[^\s,;][^\n]*)"
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Version:
    """One of the two files.

    Attributes:
        label: what the comparison calls it.
        text: all of it. Not in ``repr``.
    """

    label: str
    text: str = field(repr=False)


def compared(before: Version, after: Version) -> str:
    """A unified diff, ``""`` if they are the same. Raises ``Invalid`` for what is no YAML."""
    if before.text == after.text:
        return ""
    masks = _Masks()
    old, new = masks.applied(before), masks.applied(after)
    lines = difflib.unified_diff(
        _lines(old), _lines(new), before.label, after.label, lineterm=""
    )
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*lines, last, "\\ No newline at end of file"] if last else lines


@dataclass(frozen=True, slots=True)
class _Span:
    """``text[start:end]`` is masked; ``value`` is what makes two of them equal."""

    start: int
    end: int
    value: str


class _Masks:
    """Numbers the values that are masked."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def applied(self, version: Version) -> str:
        text = version.text
        try:
            scalars, hidden = _read(text)
        except (yaml.YAMLError, _TooDeep, ValueError, OverflowError):
            hidden = None
            scalars = []
        if hidden is None:
            raise Invalid(
                f"{version.label} is not YAML: what of it may be shown cannot be told",
                hint="compare them with another program, where nobody looks on",
            )
        spans = [*hidden, *_around(text, scalars), *_anywhere(text)]
        pieces: list[str] = []
        done = 0
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            if span.start < done:
                continue  # it begins within one that is masked already
            number = self._numbers.setdefault(span.value, len(self._numbers) + 1)
            pieces += text[done : span.start], f"{MASK}({number})"
            done = span.end
        return "".join([*pieces, text[done:]])


class _TooDeep(Exception):
    pass


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet.

    Attributes:
        mapping: whether it is one.
        hide: whether all that is in it is masked.
        free: whether its keys are names of other things.
        anchor: its name for aliases.
        first: how many scalars there were before it.
        key: the key whose value follows; None where a key follows.
    """

    mapping: bool
    hide: bool
    free: bool
    anchor: str | None
    first: int
    key: str | None = None


def _read(text: str) -> tuple[list[_Span], list[_Span]]:
    """All scalars of the file, and those that are masked."""
    scalars: list[_Span] = []
    hidden: list[_Span] = []
    anchors: dict[str, Sequence[_Span]] = {}
    stack: list[_Open] = []
    for event in yaml.parse(text, Loader=_Loader):
        top = stack[-1] if stack else None
        as_key = top is not None and top.mapping and top.key is None
        if isinstance(event, yaml.ScalarEvent):
            span = _span(event, text)
            scalars.append(span)
            if event.anchor:
                anchors[event.anchor] = [span]
            if top is not None and as_key:
                top.key = event.value
                continue
            if _hides(top) and _worth(event):
                hidden.append(span)
        elif isinstance(event, yaml.AliasEvent):
            if _hides(top):
                hidden += anchors.get(event.anchor or "", ())
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            name = (top.key or "") if top is not None and top.mapping and not top.free else ""
            mapping = isinstance(event, yaml.MappingStartEvent)
            if mapping and name in HOMES and top is not None:
                hide = top.hide  # ``keys:`` says where keys are kept, and is none itself
            else:
                # A collection as a key is nothing that a configuration has: all is masked.
                hide = _hides(top) or as_key
            stack.append(_Open(mapping, hide, name in _NAMES, event.anchor, len(scalars)))
            if len(stack) > MAX_DEPTH:
                raise _TooDeep
            continue
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            ended = stack.pop()
            if ended.anchor:
                anchors[ended.anchor] = scalars[ended.first :]
            top = stack[-1] if stack else None
            if top is not None and top.mapping and top.key is None:
                top.key = ""
                continue
        else:
            continue
        if top is not None:
            top.key = None  # it has its value
    return scalars, hidden


def _hides(top: _Open | None) -> bool:
    """Whether a value at this place is masked."""
    if top is None:
        return False
    named = top.mapping and not top.free and top.key is not None and looks_secret(top.key)
    return top.hide or named


def _worth(event: Any) -> bool:
    plain = not event.style and event.value.lower() in _PLAIN_WORDS
    return not plain and _REFERENCE.fullmatch(event.value) is None


def _span(event: Any, text: str) -> _Span:
    start, end = event.start_mark.index, event.end_mark.index
    # A block's end is where the next thing begins.
    return _Span(start, start + len(text[start:end].rstrip()), event.value)


def _around(text: str, scalars: Iterable[_Span]) -> Iterator[_Span]:
    """What follows a word of secrets in comments, and within the text of a value."""
    done = 0
    for scalar in scalars:
        for comment in _COMMENT.finditer(text, done, scalar.start):
            yield from _assigned(text, comment.start(), comment.end())
        yield from _assigned(text, scalar.start, scalar.end)
        done = max(done, scalar.end)
    for comment in _COMMENT.finditer(text, done):
        yield from _assigned(text, comment.start(), comment.end())


def _assigned(text: str, start: int, end: int) -> Iterator[_Span]:
    for found in _ASSIGNED.finditer(text, start, end):
        value = found["value"].rstrip()
        if looks_secret(found["name"]) and _REFERENCE.fullmatch(value.strip("\"'")) is None:
            at = found.start("value")
            yield _Span(at, at + len(value), value)


def _anywhere(text: str) -> Iterator[_Span]:
    """Passwords of addresses, and what looks like a well-known token."""
    for found in _USER_INFO.finditer(text):
        if _REFERENCE.sub("", found[0]).strip(":"):
            yield _Span(found.start(), found.end(), found[0])
    # Shapes are ASCII: in Latin-1, with what it lacks replaced, a byte is a character.
    for sighting in sightings(text.encode("latin-1", "replace")):
        start, end = sighting.start, sighting.end
        yield _Span(start, end, text[start:end])
