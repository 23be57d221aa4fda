from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_shield.evaluation import corpus
from llm_shield.evaluation.corpus import Case
from skykeep.errors import Invalid, NotFound


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def cases(path: Path) -> list[Case]:
    return list(corpus.of(str(path)).cases())


def refused(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        cases(path)
    return str(caught.value)


def test_jsonl(tmp_path: Path) -> None:
    path = written(
        tmp_path / "own.jsonl",
        {"text": "a", "flagged": True, "kind": "k", "spans": [[0, 1, "x"]]},
        {"text": "b", "label": 0, "prompt": "p", "context": "c", "other": [1]},
    )
    path.write_text("\ufeff" + path.read_text() + "\n\n")
    assert cases(path) == [
        Case("a", True, "k", spans=((0, 1, "x"),)),
        Case("b", False, "", "p", "c"),
    ]
    assert corpus.of(str(path)).name == "own.jsonl"


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    found = [Case("a\ud800\n", True, "k", "p", "c", ((0, 1, "x"),)), Case("", False)]
    path = tmp_path / "own.jsonl"
    path.write_text(corpus.write_jsonl(found))
    assert cases(path) == found


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('id,text,is_injection\n1,"two\nlines, one text",1\n2,b,no\n')
    assert cases(path) == [Case("two\nlines, one text", True), Case("b", False)]


@pytest.mark.parametrize("name", corpus.ANSWERS)
def test_the_answer_has_many_names(tmp_path: Path, name: str) -> None:
    path = written(
        tmp_path / "own.jsonl", {"text": "a", name: 1}, {"text": "a", name: "benign"}
    )
    assert [one.flagged for one in cases(path)] == [True, False]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "own.jsonl, line 2: this is not JSON"),
        ("[" * 100_000, "line 2: this is not JSON"),
        ("[1]", "line 2: a JSON object is expected, not a list"),
        ('{"flagged": true}', "line 2: field 'text' is missing"),
        (
            '{"text": 3, "flagged": true}',
            "line 2: field 'text' is a number, a string is expected",
        ),
        (
            '{"text": "a"}',
            "line 2: field 'flagged' is missing; any of these will do: flagged, label",
        ),
        ('{"text": "a", "label": "maybe"}', "line 2: field 'label' is 'maybe'; true or false"),
        ('{"text": "a", "flagged": 2}', "line 2: field 'flagged' is a number"),
        ('{"text": "a", "flagged": null}', "line 2: field 'flagged' is null"),
        ('{"text": "a", "flagged": 1, "prompt": []}', "field 'prompt' is a list"),
        (
            '{"text": "a", "flagged": 1, "spans": [[0, 2, "x"]]}',
            "field 'spans', item 0: [start, end",
        ),
        ('{"text": "a", "flagged": 1, "spans": 3}', "field 'spans', item 0"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_field(
    tmp_path: Path, line: str, said: str
) -> None:
    path = written(tmp_path / "own.jsonl", {"text": "a", "flagged": True})
    path.write_text(path.read_text() + line + "\n")
    assert said in refused(path)


def test_bytes_and_cells_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b'{"text": "a", "flagged": 1}\n{"text": "\xff", "flagged": 1}\n')
    assert "line 2: this is not UTF-8 (byte 11)" in refused(path)
    table = tmp_path / "own.csv"
    table.write_text("text,flagged\na,b,c\n")
    assert "line 2: there are more cells than the header has names" in refused(table)
    table.write_text('text,flagged\n"a" b,1\n')
    assert "line 2: " in refused(table)
    table.write_text("text,flagged\na\n")
    assert "line 2: field 'flagged' is missing" in refused(table)


def test_a_corpus_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        corpus.of(str(tmp_path / "own.jsonl"))
    name = corpus.names()[0]
    with pytest.raises(NotFound, match=f"did you mean {name}"):
        corpus.of(f"{name}s")


@pytest.mark.parametrize("name", corpus.names())
def test_a_named_corpus_says_where_it_is_from(name: str) -> None:
    from llm_shield.scanners import HOMES

    found = corpus.named(name)
    assert found.scanner in HOMES
    assert found.source
    assert found.licence
    assert found.split
