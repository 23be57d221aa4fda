"""The figures: recall, precision, false-positive rate, with their uncertainty; AUC.

Intervals are Wilson's for a proportion (E. B. Wilson, JASA 22, 1927), 95 % two-sided: they hold
for rates of 0 and 1 and for small numbers, where the normal approximation does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of something, and how sure it is.

    Attributes:
        hits, of: ``hits`` out of ``of``.
    """

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """In [0, 1]; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; (0, 1) of nothing."""
        return wilson(self.hits, self.of)

    def __str__(self) -> str:
        if self.value is None:
            return "n/a"
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f} to {high:.3f})"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval for a share of ``hits`` out of ``of``."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    square = Z95 * Z95
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    # Rounding must not put the bound on the wrong side of a share of 0 or 1.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == of else min(1.0, middle + half)
    return low, high


def auc(flagged: Iterable[float], clean: Iterable[float]) -> float | None:
    """How probable it is that a text to be found has a higher risk than a clean one; a tie is a
    half (Mann-Whitney U by mid-ranks). None where one of the two is empty."""
    of_flagged, of_clean = list(flagged), list(clean)
    if not of_flagged or not of_clean:
        return None
    ranked = sorted([(risk, 1) for risk in of_flagged] + [(risk, 0) for risk in of_clean])
    rank_sum = 0.0
    start = 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        middle = (start + 1 + end) / 2
        rank_sum += middle * sum(which for _, which in ranked[start:end])
        start = end
    count = len(of_flagged)
    return (rank_sum - count * (count + 1) / 2) / (count * len(of_clean))


@dataclass(slots=True)
class Tally:
    """What a scanner said of the cases of a corpus.

    Attributes:
        flagged, clean: risks of the texts that should be found, and of the others.
        found, wrong: how many of either were found (not valid).
        failed: how often the scanner failed or took too long; counted as not found.
        by_kind: found of all, by the case's kind (for texts that should be found, the share is
            recall; for others the false-positive rate).
        spans: expected spans that a finding of the same kind overlaps, by kind.
    """

    flagged: list[float] = field(default_factory=list)
    clean: list[float] = field(default_factory=list)
    found: int = 0
    wrong: int = 0
    failed: int = 0
    by_kind: dict[tuple[str, bool], Rate] = field(default_factory=dict)
    spans: dict[str, Rate] = field(default_factory=dict)

    def add(
        self,
        expected: bool,
        risk: float,
        said: bool,
        *,
        kind: str = "",
        spans: Sequence[tuple[int, int, str]] = (),
        findings: Sequence[tuple[int, int, str]] = (),
    ) -> None:
        """One case: what is right, its risk, and whether the scanner found it."""
        (self.flagged if expected else self.clean).append(risk)
        if said:
            if expected:
                self.found += 1
            else:
                self.wrong += 1
        if kind:
            old = self.by_kind.get((kind, expected), Rate(0, 0))
            self.by_kind[kind, expected] = Rate(old.hits + said, old.of + 1)
        for name, hit in matched(spans, findings):
            old = self.spans.get(name, Rate(0, 0))
            self.spans[name] = Rate(old.hits + hit, old.of + 1)

    @property
    def recall(self) -> Rate:
        """Of those that should be found, the found ones."""
        return Rate(self.found, len(self.flagged))

    @property
    def false_positive_rate(self) -> Rate:
        """Of the clean ones, those that were found all the same."""
        return Rate(self.wrong, len(self.clean))

    @property
    def precision(self) -> Rate:
        """Of what was found, what should be; of a corpus where nothing should be, nothing."""
        return Rate(self.found, self.found + self.wrong if self.flagged else 0)

    @property
    def accuracy(self) -> Rate:
        """Of all, those that were judged right."""
        right = self.found + len(self.clean) - self.wrong
        return Rate(right, len(self.flagged) + len(self.clean))

    @property
    def auc(self) -> float | None:
        """As ``auc``: how well the risk tells the two apart, whatever the threshold."""
        return auc(self.flagged, self.clean)

    def to_dict(self) -> Mapping[str, object]:
        """All of it, rounded to four digits, for ``figures.json``."""
        return {
            "cases": len(self.flagged) + len(self.clean),
            "flagged": len(self.flagged),
            "recall": _figure(self.recall),
            "precision": _figure(self.precision),
            "falsePositiveRate": _figure(self.false_positive_rate),
            "accuracy": _figure(self.accuracy),
            "auc": None if self.auc is None else round(self.auc, 4),
            "failed": self.failed,
            "kinds": {
                f"{kind} ({'to be found' if expected else 'clean'})": _figure(rate)
                for (kind, expected), rate in sorted(self.by_kind.items())
            },
            "spans": {kind: _figure(rate) for kind, rate in sorted(self.spans.items())},
        }


def _figure(rate: Rate) -> dict[str, object]:
    low, high = rate.interval
    value = rate.value
    return {
        "value": None if value is None else round(value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "hits": rate.hits,
        "of": rate.of,
    }


def matched(
    spans: Sequence[tuple[int, int, str]], findings: Sequence[tuple[int, int, str]]
) -> Iterable[tuple[str, bool]]:
    """Each expected span's kind, and whether a finding of that kind (or of one below it:
    ``pii.card`` is below ``pii``) overlaps it."""
    for start, end, kind in spans:
        yield (
            kind,
            any(
                begin < end and start < stop and (name == kind or name.startswith(f"{kind}."))
                for begin, stop, name in findings
            ),
        )
