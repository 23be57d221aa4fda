"""What the words of a sentence say of groups of people, for the Bias head.

Names of groups, none of them abusive, and the forms in which English says something of all of
a group. Each is a number of ``FEATURES``; the head weighs them with the embedding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 600


def _words(text: str) -> list[str]:
    return text.split()


_PLURAL = _words(
    "women men girls boys ladies guys females males mothers fathers wives husbands moms "
    "dads people folks folk persons blacks whites africans asians europeans americans "
    "latinos latinas hispanics arabs immigrants migrants refugees foreigners expats natives "
    "gays lesbians bisexuals homosexuals trans muslims christians jews hindus sikhs "
    "buddhists catholics protestants mormons atheists believers elderly old seniors "
    "pensioners retirees teenagers teens kids children youngsters millennials boomers "
    "zoomers students blondes redheads disabled autistic deaf blind poor rich unemployed "
    "homeless workers peasants farmers nurses politicians lawyers doctors teachers "
    "engineers policemen cops bankers journalists scientists gypsies roma germans italians "
    "mexicans chinese japanese koreans indians pakistanis turks russians poles ukrainians "
    "romanians hungarians greeks spaniards portuguese french british english irish scots "
    "welsh swedes norwegians danes finns dutch belgians swiss austrians brazilians "
    "colombians cubans nigerians ethiopians kenyans somalis egyptians moroccans gen "
    "generation youth elite syrians iraqis iranians afghans saudis israelis palestinians "
    "vietnamese thais filipinos australians canadians southerners northerners easterners "
    "westerners villagers"
)
_SINGULAR = _words(
    "woman man girl boy lady guy wife mother father black white african asian american "
    "latino hispanic arab immigrant refugee foreigner gay lesbian bisexual muslim christian "
    "jew jewish hindu catholic atheist teenager blonde disabled german italian mexican "
    "indian turkish russian polish nigerian spanish gypsy politician lawyer nurse"
)
_SHAPES = (
    rf"\b(?:{'|'.join(_PLURAL)})\b",
    rf"\b(?:{'|'.join(_SINGULAR)})\b",
    (
        rf"\b(?:{'|'.join(_PLURAL)})\b (?:are|is|can(?:'t|not)?|don't|do not|never|always|all"
        r"|just|tend"
        r"|have|love|hate|like|want|only|will|would|should|think|make|treat|prefer|simply|know)\b"
    ),
    rf"^\W*(?:all |most |every |real |young |old |many )?(?:\w+ )?(?:{'|'.join(_PLURAL)})\b",
    (
        r"\b(?:all|always|never|every|naturally|typical|typically|simply|just|by nature"
        r"|everyone knows"
        r"|of course|no wonder|born|in their blood|deep down|the whole lot)\b"
    ),
    r"^\W*(?:the|my|our|his|her|that|this|these|two|a|an|one of|some|several)\b",
    (
        r"\d+ ?%|\bper cent\b|\baccording to\b|\bstudy\b|\bsurvey\b|\breport(?:s|ed)?\b"
        r"|\bcensus\b"
        r"|\bdata\b|\bfound that\b|\b(?:19|20)\d\d\b"
    ),
    r"\b(?:law|act|right|rights|entitled|must|may|register|apply|eligible|protected|vote|benefits)\b",
    (
        r"\b(?:stereotype|myth|prejudice|bias|biased|notion|idea that|claim that|belief"
        r"|unfair|wrong to"
        r"|false|assume|avoid)\b"
    ),
    r"\?\W*$",
    r"\b(?:was|were|had|did|said|won|arrived|asked|went)\b",
    (
        r"\b(?:than (?:men|women|whites|blacks|others|us|boys|girls)|like a|because (?:he|she"
        r"|they)"
        r"|being|since (?:he|she)|what do you expect|so naturally)\b"
    ),
)
FEATURES = len(_SHAPES)
_COMPILED = tuple(re.compile(each, re.IGNORECASE) for each in _SHAPES)
_GROUPS = frozenset((*_PLURAL, *_SINGULAR, "anyone", "those", "class", "culture"))
_WORD = re.compile(r"\w+")


def names_group(sentence: str) -> bool:
    """Whether it has a group's name, or "anyone", "those", "class", "culture".

    A sentence without one is not looked at.
    """
    return any(each.group() in _GROUPS for each in _WORD.finditer(sentence.lower()))


def plain(sentence: str) -> str:
    """The sentence as the head sees it: straight quotes, cut to ``LONGEST``."""
    return sentence[:LONGEST].replace("\u2019", "'").strip()


def features(sentences: Sequence[str]) -> NDArray[np.float32]:
    """Shape (sentences, ``FEATURES``): which forms each has."""
    import numpy as np

    out = np.zeros((len(sentences), FEATURES), np.float32)
    for at, sentence in enumerate(sentences):
        for shape, pattern in enumerate(_COMPILED):
            out[at, shape] = pattern.search(sentence) is not None
    return out
