"""What a scanner says: findings, each with its place in the text as sent, and a risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes:
        kind: what it is, dotted and stable: ``secret.github-pat``, ``pii.iban``.
        start, end: its place in the text as sent, in code points, ``start <= end``; the whole
            text where the finding is about all of it.
        score: how sure the scanner is, in [0, 1].
        reason: a sentence for a person. It never quotes what was found where that is secret.
        replacement: what stands in its place in a sanitised text; None leaves it there.
    """

    kind: str
    start: int
    end: int
    score: float
    reason: str
    replacement: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one scanner says of one text.

    Attributes:
        findings: in the order of their places.
        risk: in [0, 1]; by default the highest score of the findings.
        facts: what it found out on its way, for people and records: ``{"language": "en"}``,
            ``{"tokens": 812}``. JSON values only, and no part of the text.
    """

    findings: Sequence[Finding] = ()
    risk: float = 0.0
    facts: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        findings: Sequence[Finding],
        risk: float | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> Verdict:
        """These findings, in order; the risk is the highest score unless it is given."""
        ordered = sorted(findings, key=lambda each: (each.start, each.end, each.kind))
        if risk is None:
            risk = max((each.score for each in ordered), default=0.0)
        return cls(ordered, risk, facts or {})


NOTHING = Verdict()
"""No finding, no risk."""


def replaced(text: str, findings: Sequence[Finding]) -> str:
    """The text with each replacement in its place.

    Where findings overlap, they become one place: the replacement of the one with the highest
    score stands there (of two, the longer one's), so that nothing of any of them is left.
    """
    places = sorted(
        (each for each in findings if each.replacement is not None),
        key=lambda each: (each.start, -each.end),
    )
    parts: list[str] = []
    end = 0
    at = 0
    while at < len(places):
        best = places[at]
        start, stop = best.start, best.end
        at += 1
        while at < len(places) and places[at].start < stop:
            other = places[at]
            stop = max(stop, other.end)
            if (other.score, other.end - other.start) > (best.score, best.end - best.start):
                best = other
            at += 1
        parts += (text[end:start], best.replacement or "")
        end = stop
    parts.append(text[end:])
    return "".join(parts)
