"""Personal data: Sensitive, without and with names, and presidio with the same model.

``python -m bench.shield_pii``: milliseconds a text of 1 KB and of 10 KB, medians, one thread,
by the processor's clock; and how many of the corpus ``pii_exact`` and ``pii_names`` each finds.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from bench.measure import in_turns
from llm_shield.evaluation.corpora import pii_exact, pii_names
from llm_shield.evaluation.corpus import Case
from llm_shield.pii.engine import exact
from llm_shield.pii.found import strongest
from llm_shield.pii.names import PACKAGE, names

SIZES = (1_000, 10_000)
ROUNDS = 5

# What presidio calls the kinds that both have.
THEIRS = {
    "email": "EMAIL_ADDRESS",
    "card": "CREDIT_CARD",
    "iban": "IBAN_CODE",
    "us-ssn": "US_SSN",
    "ip": "IP_ADDRESS",
    "phone": "PHONE_NUMBER",
    "person": "PERSON",
    "address": "LOCATION",
    "bitcoin": "CRYPTO",
}


def text(size: int) -> str:
    """A conversation with some personal data in it, of so many characters."""
    cases = [case.text for case in (*pii_names.cases(), *pii_exact.cases())]
    plain = (
        "We looked into the matter that was raised, and there is nothing more to say of it. "
    )
    lines: list[str] = []
    for case in cases[::7]:
        lines += (case, plain * 3)
    joined = "\n".join(lines)
    return (joined * (size // len(joined) + 1))[:size]


def presidio() -> Any:
    """Its analyzer on the installed model; its check of e-mail domains asks the network for the
    public suffix list unless it is told not to."""
    import tldextract.tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    models = [{"lang_code": "en", "model_name": PACKAGE}]
    made = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    return AnalyzerEngine(nlp_engine=made.create_engine(), supported_languages=["en"])


def milliseconds(work: Callable[[str], object], said: str) -> float:
    """Of one core."""
    begun = time.process_time()
    work(said)
    return (time.process_time() - begun) * 1e3


def ours(said: str) -> list[tuple[str, int, int]]:
    """Everything, names too."""
    told = [*exact(said), *names().find(said)]
    sure = strongest(each for each in told if each.score >= 0.5)
    return [(each.kind, each.start, each.end) for each in sure]


def recall(
    cases: Iterable[Case], find: Callable[[str], Iterable[tuple[str, int, int]]]
) -> dict[str, str]:
    """By kind: how many places are found for at least a half, as what they are."""
    hits: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in cases:
        [(start, end, kind)] = case.spans
        kind = kind.removeprefix("pii.")
        if kind not in THEIRS:
            continue
        total[kind] += 1
        told = find(case.text)
        cover = sum(max(0, min(b, end) - max(a, start)) for k, a, b in told if k == kind)
        hits[kind] += 2 * cover >= end - start
    return {kind: f"{hits[kind] / total[kind]:.2f}" for kind in sorted(total)}


def main() -> None:
    """Measure and print."""
    engine = presidio()
    by_name = {theirs: our for our, theirs in THEIRS.items()}

    def theirs(said: str) -> list[tuple[str, int, int]]:
        found = engine.analyze(said, language="en")
        return [(by_name.get(each.entity_type, ""), each.start, each.end) for each in found]

    works: dict[str, Callable[[str], object]] = {
        "Sensitive, no names": lambda said: list(strongest(exact(said))),
        "Sensitive": ours,
        "presidio": theirs,
    }
    for size in SIZES:
        said = text(size)
        for work in works.values():
            work(said)
        figures = in_turns(
            {name: partial(milliseconds, work, said) for name, work in works.items()}, ROUNDS
        )
        for name, figure in figures.items():
            print(f"{size // 1000:>3} KB  {name:<20} {figure:8.2f} ms")
    for who, find in (("Sensitive", ours), ("presidio", theirs)):
        print(who, recall([*pii_exact.cases(), *pii_names.cases()], find))


if __name__ == "__main__":
    main()
