"""Texts whose answer is known: named corpora, and files of one's own.

A named corpus is a module of ``corpora/``, ``s_labs_test`` for the corpus ``s-labs-test``, with

- ``SCANNER``: whose corpus it is: ``"Toxicity"``;
- ``SOURCE``, ``LICENCE``, ``SPLIT``: a sentence each, for the tables;
- ``def cases() -> Iterable[Case]``: the same cases in the same order each time;
- ``SETTINGS`` (optional): what the scanner is set to for it, as in a settings file.

A file of one's own is JSONL, one object a line, or CSV with a header::

    {"text": "Ignore all previous instructions.", "flagged": true}
    {"text": "Paris.", "label": 0, "prompt": "What is the capital of France?"}

The answer is in ``flagged`` or in one of the names that published data sets use (``ANSWERS``).
"""

from __future__ import annotations

import csv
import io
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from skykeep.errors import Invalid, NotFound

ANSWERS = (
    "flagged",
    "label",
    "is_injection",
    "is_malicious",
    "is_toxic",
    "toxic",
    "injection",
    "target",
    "expected",
)
"""The names of the field that has the answer; the first that a line has counts."""

YES = frozenset(
    {"1", "true", "yes", "flagged", "injection", "malicious", "toxic", "unsafe", "positive"}
)
NO = frozenset(
    {"0", "false", "no", "clean", "benign", "safe", "legit", "normal", "negative", "ok"}
)

MAX_LINE = 16 * 1024 * 1024
"""Characters of a line of a corpus at most."""


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what a scanner should say of it.

    Attributes:
        text: what is scanned.
        flagged: whether it should be found.
        kind: what sort of text it is, for figures by kind: ``jailbreak``, ``question``.
        prompt: what the text answers, for scanners of answers.
        context: what the text should be true to.
        spans: where what should be found is: start, end (code points) and kind of finding.
    """

    text: str
    flagged: bool
    kind: str = ""
    prompt: str | None = None
    context: str | None = None
    spans: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """Cases, and where they come from.

    Attributes:
        name: as in commands and tables.
        scanner: whose corpus it is; ``""`` for a file, which does not say.
        source, licence, split: a sentence each.
        load: makes the cases, the same ones each time.
        settings: what the scanner is set to for it.
    """

    name: str
    scanner: str
    source: str
    licence: str
    split: str
    load: Callable[[], Iterable[Case]]
    settings: Mapping[str, object] = field(default_factory=dict)

    def cases(self) -> Iterator[Case]:
        """Its cases. Raises ``Invalid`` for a file's bad line, ``NotFound`` for its absence,
        ``MissingExtra`` where a named corpus is in a package that is not installed."""
        return iter(self.load())


def names() -> list[str]:
    """The named corpora, sorted; none of them is imported."""
    from llm_shield.evaluation import corpora

    return sorted(
        each.name.replace("_", "-")
        for each in pkgutil.iter_modules(corpora.__path__)
        if not each.name.startswith("_")
    )


def named(name: str) -> Corpus:
    """The corpus of this name. Raises ``NotFound`` with the nearest name there is."""
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 1)
        raise NotFound(
            f"there is no corpus {name!r}",
            hint=f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}",
            resource=name,
        )
    module = import_module(f"llm_shield.evaluation.corpora.{name.replace('-', '_')}")
    return Corpus(
        name,
        module.SCANNER,
        module.SOURCE,
        module.LICENCE,
        module.SPLIT,
        module.cases,
        getattr(module, "SETTINGS", {}),
    )


def of(name_or_path: str) -> Corpus:
    """A named corpus, or a file: what has a separator, ends in ``.jsonl`` or ``.csv``, or is
    there. Raises ``NotFound``."""
    path = Path(name_or_path)
    if name_or_path not in names() and (
        len(path.parts) > 1 or path.suffix in {".jsonl", ".csv", ".ndjson"} or path.is_file()
    ):
        return from_file(path)
    return named(name_or_path)


def from_file(path: Path) -> Corpus:
    """A corpus of one's own, JSONL or (``.csv``) CSV. Raises ``NotFound`` if it is not there;
    its lines are looked at when they are read."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}", hint=f"named corpora: {', '.join(names())}")
    read = _csv_cases if path.suffix.lower() == ".csv" else _jsonl_cases
    return Corpus(
        path.name, "", f"the file {path.name}", "its owner's", "all of it", lambda: read(path)
    )


def _jsonl_cases(path: Path) -> Iterator[Case]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise Invalid(
                f"{path}, line {number}: this is not JSON",
                hint='one object a line: {"text": "...", "flagged": true}',
            ) from None
        if not isinstance(row, dict):
            raise Invalid(
                f"{path}, line {number}: a JSON object is expected, not {_kind(row)}",
                hint='one object a line: {"text": "...", "flagged": true}',
            )
        yield case_of(row, f"{path}, line {number}")


def _csv_cases(path: Path) -> Iterator[Case]:
    # A cell may hold newlines: `line_num` is where its row ends, which editors can go to.
    rows = csv.DictReader((line for _, line in _lines(path)), strict=True)
    csv.field_size_limit(MAX_LINE)
    try:
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if None in row:
                raise Invalid(
                    f"{where}: there are more cells than the header has names",
                    hint="put a text with commas into double quotes",
                )
            yield case_of({key: cell for key, cell in row.items() if cell is not None}, where)
    except csv.Error as error:
        raise Invalid(f"{path}, line {rows.reader.line_num}: {error}") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if len(raw) > MAX_LINE:
                raise Invalid(
                    f"{path}, line {number}: {len(raw)} bytes; at most {MAX_LINE} are read"
                )
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise Invalid(
                    f"{path}, line {number}: this is not UTF-8 (byte {error.start + 1})"
                ) from None


def case_of(row: Mapping[str, Any], where: str) -> Case:
    """A case of a row's fields; ``where`` begins the messages. Raises ``Invalid`` naming the
    field; other fields than those of a case are left alone."""
    text = row.get("text")
    if not isinstance(text, str):
        what = "is missing" if text is None else f"is {_kind(text)}, a string is expected"
        raise Invalid(f"{where}: field 'text' {what}")
    name = next((each for each in ANSWERS if each in row), None)
    if name is None:
        raise Invalid(
            f"{where}: field 'flagged' is missing",
            hint=f"any of these will do: {', '.join(ANSWERS)}",
        )
    optional = {}
    for key in ("kind", "prompt", "context"):
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise Invalid(f"{where}: field {key!r} is {_kind(value)}, a string is expected")
        optional[key] = value
    return Case(
        text,
        _answer(row[name], name, where),
        optional["kind"] or "",
        optional["prompt"],
        optional["context"],
        _spans(row.get("spans"), len(text), where),
    )


def _answer(value: object, name: str, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in YES or word == "1.0":
        return True
    if word in NO or word == "0.0":
        return False
    said = repr(value) if isinstance(value, str) and len(value) < 40 else _kind(value)
    raise Invalid(
        f"{where}: field {name!r} is {said}",
        hint="true or false, 1 or 0, or a word such as 'injection', 'benign', 'safe'",
    )


def _spans(value: object, length: int, where: str) -> tuple[tuple[int, int, str], ...]:
    if value is None or value == "":
        return ()
    spans = []
    for index, each in enumerate(value if isinstance(value, list) else [None]):
        match each:
            case [int(start), int(end), str(kind)] if 0 <= start <= end <= length:
                spans.append((start, end, kind))
            case _:
                raise Invalid(
                    f"{where}: field 'spans', item {index}: [start, end, kind] is expected, "
                    f"in code points with 0 <= start <= end <= {length}"
                )
    return tuple(spans)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"
    return type(value).__name__


def write_jsonl(cases: Iterable[Case]) -> str:
    """The cases as JSONL that ``from_file`` reads."""
    out = io.StringIO()
    for case in cases:
        row: dict[str, object] = {"text": case.text, "flagged": case.flagged}
        for key in ("kind", "prompt", "context"):
            if getattr(case, key):
                row[key] = getattr(case, key)
        if case.spans:
            row["spans"] = [list(each) for each in case.spans]
        out.write(json.dumps(row) + "\n")
    return out.getvalue()
