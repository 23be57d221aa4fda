"""The figures of the scanners: ``python -m scripts.shield_eval``.

Runs each named corpus, keeps the figures in docs/scanners/figures.json, and fills what stands
between ``<!-- figures: SCANNER -->`` and ``<!-- end -->`` on the scanners' pages. With
``--check`` nothing is written: it ends with 1 if a figure is worse than the recorded one by
more than 0.005, or if a page does not say what the run says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from llm_shield.evaluation import corpus, report
from llm_shield.evaluation.run import Evaluation, evaluate
from llm_shield.scanners import HOMES
from skykeep.errors import SkykeepError

DOCS = Path(__file__).parents[1] / "docs" / "scanners"
KEPT = "figures.json"
DROP = 0.005

NO_CORPUS = "No corpus of texts for it comes along, so there are no figures."

_BLOCK = re.compile(
    r"(?P<start><!-- figures: (?P<scanner>\w+) -->\n)(?P<content>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)

HIGHER = ("recall", "precision", "accuracy")
LOWER = ("falsePositiveRate",)


def measured(name: str) -> Evaluation:
    """A corpus, in this process."""
    found = corpus.named(name)
    return asyncio.run(evaluate(found, found.scanner, threads=1))


def all_measured(names: Sequence[str]) -> list[Evaluation]:
    """All of them, on all cores, in their order. Ends the process with 1 and the corpus's name
    where one cannot be measured."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        under_way = [pool.submit(measured, name) for name in names]
        found = []
        for name, future in zip(names, under_way, strict=True):
            try:
                found.append(future.result())
            except SkykeepError as error:
                pool.shutdown(wait=False, cancel_futures=True)
                sys.exit(f"{name}: {type(error).__name__}: {error}")
        return found


def figures(evaluations: Iterable[Evaluation]) -> dict[str, Any]:
    """What is kept."""
    return {one.corpus.name: report.document(one) for one in evaluations}


def block(scanner: str, evaluations: Iterable[Evaluation]) -> str:
    """What a scanner's page says."""
    own = [one for one in evaluations if one.scanner == scanner]
    return f"{report.markdown(own) if own else NO_CORPUS}\n"


def page(scanner: str) -> Path:
    """The page of a scanner."""
    return DOCS / f"{HOMES[scanner].replace('_', '-')}.md"


def filled(text: str, evaluations: Sequence[Evaluation]) -> str:
    """A page with its blocks made anew."""
    return _BLOCK.sub(
        lambda place: place["start"] + block(place["scanner"], evaluations) + place["end"], text
    )


def worse(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The figures that are worse than those that were recorded, a sentence each."""
    for name, old in recorded.items():
        if name not in now:
            yield f"{name}: it was measured before, and there is no such corpus now"
            continue
        new = now[name]
        for figure in (*HIGHER, *LOWER):
            yield from _held(
                f"{name}: {figure}", old[figure], new[figure], rises=figure in LOWER
            )
        yield from _held(f"{name}: auc", {"value": old["auc"]}, {"value": new["auc"]})
        for kind, rate in old["spans"].items():
            found = new["spans"].get(kind, {"value": 0.0})
            yield from _held(f"{name}: places of {kind}", rate, found)


def _held(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any], *, rises: bool = False
) -> Iterator[str]:
    before, after = old["value"], new["value"]
    if before is None:
        return
    if after is None:
        yield f"{what} was {before:.4f} and cannot be told now"
    elif (after - before if rises else before - after) > DROP:
        yield f"{what} was {before:.4f} and is {after:.4f}"


def stale(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    """The pages that do not say what the run says."""
    for scanner in HOMES:
        path = page(scanner)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        blocks = {place["scanner"]: place["content"] for place in _BLOCK.finditer(text)}
        if scanner not in blocks:
            yield f"{path.name} has no '<!-- figures: {scanner} -->' … '<!-- end -->'"
        elif blocks[scanner] != block(scanner, evaluations):
            yield f"{path.name} does not say what this run says: make eval"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write, or check."""
    parser = argparse.ArgumentParser(prog="python -m scripts.shield_eval", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it is worse")
    check = parser.parse_args(arguments).check
    kept = DOCS / KEPT
    evaluations = all_measured(corpus.names())
    for one in evaluations:
        print(report.text(one))
    now = figures(evaluations)
    recorded = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    drops = list(worse(recorded, now))
    if check:
        wrong = [*drops, *stale(evaluations)]
        if set(now) - set(recorded):
            wrong.append(f"not recorded: {', '.join(sorted(set(now) - set(recorded)))}")
        print(*wrong, sep="\n", file=sys.stderr)
        return 1 if wrong else 0
    for said in drops:
        print(f"worse than before: {said}", file=sys.stderr)
    kept.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    for scanner in HOMES:
        path = page(scanner)
        if path.exists():
            text = path.read_text(encoding="utf-8")
            path.write_text(filled(text, evaluations), encoding="utf-8")
        else:
            print(f"there is no page {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
