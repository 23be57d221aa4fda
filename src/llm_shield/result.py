"""What a shield says of a text: one answer, and what each scanner said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from llm_shield.finding import Finding


class Status(Enum):
    """How it went with a scanner."""

    DONE = "done"
    SKIPPED = "skipped"  # not asked, or not waited for: another one had said enough
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Found(Finding):
    """A finding, and whose it is.

    Attributes:
        scanner: the scanner's name.
    """

    scanner: str = ""


@dataclass(slots=True)
class ScannerResult:
    """What came of one scanner.

    Attributes:
        name: of the scanner.
        status: whether it had its say.
        valid: whether it holds the text for valid; of one that failed, whether its
            ``on_failure`` is ``open``; None if it was skipped.
        risk: in [0, 1]; of one that failed ``closed`` 1.0.
        findings: in the order of their places.
        facts: what else it found out.
        seconds: how long it took.
        error: the class and message of what went wrong; ``""`` if nothing did. A failure that
            is a bug shows its class and its place in the source, no message: that may be part
            of the text.
    """

    name: str
    status: Status
    valid: bool | None = None
    risk: float = 0.0
    findings: Sequence[Finding] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; times are milliseconds."""
        said: dict[str, Any] = {
            "name": self.name,
            "status": self.status.value,
            "isValid": self.valid,
            "riskScore": round(self.risk, 4),
            "findings": [finding_dict(one) for one in self.findings],
            "facts": dict(self.facts),
            "scanTimeMs": round(self.seconds * 1000, 3),
        }
        if self.error:
            said["error"] = self.error
        return said


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a shield says of one text.

    Attributes:
        valid: no scanner holds it for invalid.
        risk: the highest of the scanners'.
        sanitized: the text with each finding's replacement in its place; the text itself where
            none has one.
        findings: of all scanners, in the order of their places.
        scanners: what came of each, in the order in which they were asked.
        seconds: how long it took.
    """

    valid: bool
    risk: float
    sanitized: str
    findings: Sequence[Found]
    scanners: Sequence[ScannerResult]
    seconds: float

    def scanner(self, name: str) -> ScannerResult:
        """What came of the scanner of this name. Raises ``KeyError``."""
        for one in self.scanners:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, camelCase; times are milliseconds, places are code points."""
        return {
            "isValid": self.valid,
            "riskScore": round(self.risk, 4),
            "sanitizedText": self.sanitized,
            "findings": [finding_dict(one) for one in self.findings],
            "scannerResults": [one.to_dict() for one in self.scanners],
            "scanTimeMs": round(self.seconds * 1000, 3),
        }


def finding_dict(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    said: dict[str, Any] = {
        "kind": finding.kind,
        "start": finding.start,
        "end": finding.end,
        "score": round(finding.score, 4),
        "reason": finding.reason,
    }
    if isinstance(finding, Found):
        said = {"scanner": finding.scanner, **said}
    if finding.replacement is not None:
        said["replacement"] = finding.replacement
    return said
