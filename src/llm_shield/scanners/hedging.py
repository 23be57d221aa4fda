"""Words and phrases by which an answer says that it is not sure."""

from __future__ import annotations

import re

PHRASES = (
    "as far as i know",
    "as far as i can tell",
    "i believe",
    "i could be wrong",
    "i guess",
    "i may be wrong",
    "i might be wrong",
    "i suppose",
    "i suspect",
    "i think",
    "i'm not certain",
    "i'm not sure",
    "i am not certain",
    "i am not sure",
    "if i recall correctly",
    "if i remember correctly",
    "in my opinion",
    "it appears",
    "it is possible",
    "it is unclear",
    "it seems",
    "it's possible",
    "it's unclear",
    "not entirely clear",
    "to the best of my knowledge",
    "to my knowledge",
    "allegedly",
    "apparently",
    "arguably",
    "conceivably",
    "likely",
    "maybe",
    "perhaps",
    "possibly",
    "presumably",
    "probably",
    "reportedly",
    "roughly",
    "seemingly",
    "supposedly",
)
"""Lower case."""

HEDGES = re.compile(r"\b(?:" + "|".join(map(re.escape, PHRASES)) + r")\b")
"""Finds them in a text in lower case; alternatives share no unbounded part, so it is linear."""
