"""Evaluations as text, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llm_shield.evaluation.corpus import Corpus
from llm_shield.evaluation.metrics import Rate
from llm_shield.evaluation.run import Evaluation

MANY_KINDS = 16
"""Kinds of a corpus from which on those that are all right share a line."""

FIGURES = {
    "recall": "recall",
    "false_positive_rate": "false-positive rate",
    "precision": "precision",
}


def described(corpus: Corpus) -> Mapping[str, str]:
    """A corpus as JSON."""
    return {
        "name": corpus.name,
        "scanner": corpus.scanner,
        "source": corpus.source,
        "licence": corpus.licence,
        "split": corpus.split,
    }


def listing(corpora: Iterable[Corpus]) -> str:
    """The corpora, one a paragraph."""
    return "\n\n".join(
        f"{one.name} ({one.scanner})\n  {one.source}\n  {one.split}\n  licence: {one.licence}"
        for one in corpora
    )


def document(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON. How long it took is no part of it: two runs are the same."""
    return {
        "corpus": evaluation.corpus.name,
        "scanner": evaluation.scanner,
        "threshold": evaluation.threshold,
        **evaluation.tally.to_dict(),
    }


def text(evaluation: Evaluation) -> str:
    """An evaluation for a terminal."""
    tally = evaluation.tally
    total = len(tally.flagged) + len(tally.clean)
    lines = [
        (
            f"{evaluation.scanner} on {evaluation.corpus.name}: {total:,} texts, "
            f"{len(tally.flagged):,} to be found, threshold {evaluation.threshold:g}"
        ),
        *(f"  {words:<20} {getattr(tally, name)}" for name, words in FIGURES.items()),
    ]
    if tally.auc is not None:
        lines.append(f"  {'AUC':<20} {tally.auc:.3f}")
    if tally.failed:
        lines.append(f"  {'failed':<20} {tally.failed:,}")
    for (kind, expected), rate in sorted(tally.by_kind.items()):
        what = "found" if expected else "found wrongly"
        lines.append(f"  {kind}: {what} {rate} of {rate.of:,}")
    lines += (f"  places of {kind}: {rate}" for kind, rate in sorted(tally.spans.items()))
    lines.append(f"  in parentheses: 95 % interval (Wilson); {evaluation.seconds:.1f} s")
    return "\n".join(lines)


def markdown(evaluations: Sequence[Evaluation]) -> str:
    """A table of evaluations, and one by kind where kinds differ."""
    lines = [
        "| corpus | texts (to be found) | recall | false-positive rate | precision | AUC |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in evaluations:
        tally = one.tally
        count = f"{len(tally.flagged) + len(tally.clean):,} ({len(tally.flagged):,})"
        area = "n/a" if tally.auc is None else f"{tally.auc:.3f}"
        rates = " | ".join(_cell(getattr(tally, name)) for name in FIGURES)
        lines.append(f"| {one.corpus.name} | {count} | {rates} | {area} |")
    lines += [
        "",
        "In parentheses: 95 % interval (Wilson). Threshold: " + _thresholds(evaluations),
    ]
    kinds = _kinds(evaluations)
    if kinds:
        lines += [
            "",
            "| corpus | kind | texts | found |",
            "| --- | --- | ---: | ---: |",
            *kinds,
        ]
    lines += ["", *(_source(one.corpus) for one in evaluations)]
    failed = sum(one.tally.failed for one in evaluations)
    if failed:
        lines += ["", f"{failed:,} texts could not be judged and count as not found."]
    return "\n".join(lines)


def _cell(rate: Rate) -> str:
    if rate.value is None:
        return "n/a"
    low, high = rate.interval
    return f"{rate.value:.3f} ({low:.3f} to {high:.3f})"


def _thresholds(evaluations: Sequence[Evaluation]) -> str:
    found = sorted({f"{one.threshold:g}" for one in evaluations})
    return f"{', '.join(found)}."


def _kinds(evaluations: Sequence[Evaluation]) -> list[str]:
    lines: list[str] = []
    for one in evaluations:
        name = one.corpus.name
        rows = []
        if len(one.tally.by_kind) > 1:
            for (kind, expected), rate in sorted(one.tally.by_kind.items()):
                should = "to be found" if expected else "clean"
                rows.append((f"{kind}, {should}", rate, rate.of if expected else 0))
        for kind, rate in sorted(one.tally.spans.items()):
            rows.append((f"{kind}, its place", rate, rate.of))
        # Of many kinds, those where something is wrong are worth a line.
        shown = [row for row in rows if len(rows) <= MANY_KINDS or row[1].hits != row[2]]
        lines += (
            f"| {name} | {what} | {rate.of:,} | {_cell(rate)} |" for what, rate, _ in shown
        )
        if len(shown) < len(rows):
            count = len(rows) - len(shown)
            others = f"the other {count:,} kinds" if shown else f"all {count:,} kinds"
            lines.append(f"| {name} | {others} | | all judged right |")
    return lines


def _source(corpus: Corpus) -> str:
    parts = (corpus.source, corpus.split, f"Licence: {corpus.licence}")
    said = " ".join(part if part.endswith(".") else f"{part}." for part in parts)
    return f"- {corpus.name}: {said}"
