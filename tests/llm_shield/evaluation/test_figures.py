from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from llm_shield.evaluation import report
from llm_shield.evaluation.corpus import Case, Corpus
from llm_shield.evaluation.metrics import Tally
from llm_shield.evaluation.run import Evaluation, evaluate
from scripts import shield_eval
from skykeep.errors import ConfigError
from tests.llm_shield.cli.running import KEY

CASES = (
    Case(f"a {KEY}", True, "token", spans=((2, 42, "secret.github-pat"),)),
    Case("nothing here", False, "prose"),
    Case("no token at all", True, "token"),
)


def corpus(settings: Any = None) -> Corpus:
    return Corpus("own", "Secrets", "made up", "none", "all", lambda: CASES, settings or {})


def evaluation() -> Evaluation:
    tally = Tally()
    tally.add(True, 0.9, True, kind="a", spans=[(0, 1, "x")], findings=[(0, 1, "x")])
    tally.add(True, 0.8, True, kind="a")
    tally.add(False, 0.1, False, kind="b")
    return Evaluation(corpus(), "Secrets", 0.5, tally, 0.1)


@pytest.mark.asyncio
async def test_a_scanner_is_measured_on_a_corpus() -> None:
    found = await evaluate(corpus(), "Secrets")
    assert (found.tally.recall.hits, found.tally.recall.of) == (1, 2)
    assert found.tally.false_positive_rate.hits == 0
    assert found.tally.spans["secret.github-pat"].hits == 1
    assert found.tally.failed == 0
    document = report.document(found)
    assert document["corpus"] == "own"
    assert report.document(await evaluate(corpus(), "Secrets")) == document


@pytest.mark.asyncio
async def test_a_corpus_sets_its_scanner() -> None:
    found = await evaluate(corpus({"threshold": 1.0}), "Secrets")
    assert found.threshold == 1.0
    assert found.tally.recall.hits == 0


@pytest.mark.asyncio
async def test_there_is_no_such_scanner() -> None:
    with pytest.raises(ConfigError, match="no scanner 'Secret'"):
        await evaluate(corpus(), "Secret")


def test_a_page_is_filled_between_its_marks_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shield_eval, "DOCS", tmp_path)
    monkeypatch.setattr(shield_eval, "HOMES", {"Secrets": "secrets", "Bias": "bias"})
    monkeypatch.setattr(shield_eval, "all_measured", lambda _: [evaluation()])
    for name in ("Secrets", "Bias"):
        text = f"# {name}\n\n<!-- figures: {name} -->\n<!-- end -->\n\nThe rest.\n"
        (tmp_path / f"{name.lower()}.md").write_text(text)
    assert shield_eval.main(["--check"]) == 1
    assert shield_eval.main([]) == 0
    page = (tmp_path / "secrets.md").read_text()
    assert page.startswith("# Secrets\n\n<!-- figures: Secrets -->\n| corpus |")
    assert page.endswith("<!-- end -->\n\nThe rest.\n")
    assert "| own | 3 (2) | 1.000 (0.342 to 1.000) | 0.000 (0.000 to 0.793) |" in page
    assert shield_eval.NO_CORPUS in (tmp_path / "bias.md").read_text()
    assert shield_eval.main(["--check"]) == 0
    (tmp_path / "secrets.md").write_text(page.replace("0.342", "0.442"))
    assert shield_eval.main(["--check"]) == 1
    (tmp_path / "secrets.md").write_text("# Secrets\n")
    assert shield_eval.main(["--check"]) == 1


RECORDED = shield_eval.figures([evaluation()])


def changed(*path: str, by: float) -> dict[str, Any]:
    now = copy.deepcopy(RECORDED)
    at = now["own"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] += by
    return now


@pytest.mark.parametrize(
    ("path", "by"),
    [
        (("recall", "value"), -0.006),
        (("precision", "value"), -0.006),
        (("falsePositiveRate", "value"), 0.006),
        (("auc",), -0.006),
        (("spans", "x", "value"), -0.006),
    ],
)
def test_a_figure_that_is_worse_is_told(path: tuple[str, ...], by: float) -> None:
    assert len(list(shield_eval.worse(RECORDED, changed(*path, by=by)))) == 1
    assert not list(shield_eval.worse(RECORDED, changed(*path, by=-by)))
    assert not list(shield_eval.worse(RECORDED, changed(*path, by=by * 0.8)))


def test_a_corpus_that_is_gone_is_told() -> None:
    assert list(shield_eval.worse(RECORDED, {})) == [
        "own: it was measured before, and there is no such corpus now"
    ]
    assert not list(shield_eval.worse({}, RECORDED))


def test_text_and_markdown_have_the_same_figures() -> None:
    text, table = report.text(evaluation()), report.markdown([evaluation()])
    assert "recall               1.000 (0.342 to 1.000)" in text
    assert "1.000 (0.342 to 1.000)" in table
    assert "- own: made up. all. Licence: none." in table
