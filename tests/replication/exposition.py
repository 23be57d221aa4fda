"""Reads Prometheus' text format 0.0.4, strictly: what it does not know is an error.

By the format's own description (prometheus.io/docs/instrumenting/exposition_formats).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)\Z")
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


@dataclass
class Metric:
    """Its kind, its help and its samples: sorted labels -> value."""

    kind: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def of(self, **labels: str) -> float:
        """The sample with these labels among its own; there is one."""
        [found] = [v for k, v in self.samples.items() if labels.items() <= dict(k).items()]
        return found


def parsed(text: str) -> dict[str, Metric]:
    """The metrics of a text, by name. Raises ``ValueError``."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    metrics: dict[str, Metric] = {}
    helps: dict[str, str] = {}
    now = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, said = line.removeprefix("# HELP ").partition(" ")
            if not re.fullmatch(_NAME, name) or name in helps or not said:
                raise ValueError(line)
            helps[name] = said
        elif line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            if name in metrics or kind not in {"counter", "gauge", "untyped"}:
                raise ValueError(line)
            metrics[name] = Metric(kind, helps[name])
            now = name
        else:
            match = _SAMPLE.match(line)
            if match is None or match[1] != now:
                raise ValueError(line)
            labels = _labels(match[2] or "")
            if labels in metrics[now].samples:
                raise ValueError(f"twice: {line}")
            metrics[now].samples[labels] = float(match[3])
    return metrics


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None or match[1] in found:
            raise ValueError(text)
        found[match[1]] = re.sub(r"\\.", lambda escape: _ESCAPES[escape[0]], match[2])
        at = match.end()
    return tuple(sorted(found.items()))
