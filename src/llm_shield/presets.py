"""The presets: which scanners are on, how they are set, and when the rest is not asked.

``strict`` asks everything that needs no input of yours. ``standard`` leaves out what judges
style or subject (sentiment, code, gibberish, bias, refusals, relevance): those refuse honest
texts, too. ``permissive`` asks what protects others: injection, secrets, what is hidden,
personal data in answers; a scanner that fails does not make a text invalid there. Scanners of
your own words (``BanSubstrings``, ``BanCompetitors``,
``Regex``, ``BanTopics``, ``RegexOutput``) are on when they are configured; so is
``URLReachability``, which asks the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from llm_shield.scanner import Side

Preset: TypeAlias = Literal["strict", "standard", "permissive"]

BOUNDS: Final[Mapping[str, float | None]] = {
    "strict": 0.7,
    "standard": 0.9,
    "permissive": None,
}
"""Once a risk is as high as this, the scanners that have not begun are skipped and those under
way are cancelled; None: never."""

COMMON: Final[Mapping[str, Mapping[str, object]]] = {
    "strict": {},
    "standard": {},
    "permissive": {"on_failure": "open"},
}
"""What each scanner of a preset is set to, before its own settings."""

_STANDARD_INPUT = (
    "InvisibleText",
    "Secrets",
    "Language",
    "TokenLimit",
    "PromptInjection",
    "Toxicity",
)
_STANDARD_OUTPUT = (
    "InvisibleText",
    "Secrets",
    "ReadingTime",
    "MaliciousURLs",
    "Sensitive",
    "Toxicity",
)

SCANNERS: Final[Mapping[str, Mapping[Side, tuple[str, ...]]]] = {
    "strict": {
        Side.INPUT: (*_STANDARD_INPUT, "Sentiment", "Gibberish", "BanCode", "Sensitive"),
        Side.OUTPUT: (
            *_STANDARD_OUTPUT,
            "NoRefusal",
            "Relevance",
            "Factuality",
            "Bias",
        ),
    },
    "standard": {Side.INPUT: _STANDARD_INPUT, Side.OUTPUT: _STANDARD_OUTPUT},
    "permissive": {
        Side.INPUT: ("InvisibleText", "Secrets", "TokenLimit", "PromptInjection"),
        Side.OUTPUT: ("InvisibleText", "Secrets", "MaliciousURLs", "Sensitive"),
    },
}
"""The scanners that are on in a preset, in the order in which those of a cost are asked."""

OPTIONAL: Final = frozenset({"Sensitive", "TokenLimit"})
"""Scanners that may stand on an extra of their own (``shield-pii``, ``shield-tokens``): where
it is not installed, a preset goes without them and each result says so. A scanner that a
configuration names is never left out."""
