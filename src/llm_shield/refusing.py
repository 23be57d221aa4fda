"""What the words of a sentence say of refusing, for the NoRefusal head.

Shapes of English, each a number of ``FEATURES``; the head weighs them with the embedding. The
expressions have no nested repetition: each is linear in the length of a sentence that is cut to
``LONGEST`` code points.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 600
_NOT = (
    r"(?:can'?t|can not|cannot|won'?t|will not|unable to|not able to|not going to|not"
    r" willing to"
    r"|not permitted to|not allowed to|not prepared to|not in a position to|couldn'?t|wouldn'?t"
    r"|don'?t|do not|rather not|prefer not|have to decline|must decline|refuse|decline)"
)
_SHAPES = (
    rf"\b(?:i|we|i'm|i am|i'd|i will|we are|i have to|i must)\b[^.!?]{{0,24}}\b{_NOT}",
    (
        r"\b(?:help|assist|provide|comply|fulfil|fulfill|support|discuss|generate|create|produce|write"
        r"|share|answer|disclose|engage|offer|explain|describe|do that|do this)\b"
    ),
    r"\b(?:sorry|apologi[sz]e|apologies|afraid|unfortunately|regret)\b",
    r"\b(?:refuse|decline|refusing|declining|say no|turn down|pass on)\b",
    r"\b(?:guidelines?|polic(?:y|ies)|rules|programming|terms|permitted|allowed|prohibited)\b",
    (
        r"\b(?:not something|not appropriate|inappropriate|not comfortable|unethical|illegal"
        r"|harmful"
        r"|not okay|never acceptable|against the law)\b"
    ),
    r"\b(?:instead|something else|another topic|different topic|move on|change the subject)\b",
    r"^\W*(?:sure|certainly|of course|absolutely|gladly|okay|yes|here is|here's|here are)\b",
    rf"[\"“«][^\"”»]*\b(?:{_NOT}|sorry|afraid)\b",
    r"\b(?:that|this|such|your|the) (?:request|content|question|topic|information|task)s?\b",
    r"\bas an ai\b|\blanguage model\b|\bas a (?:responsible )?(?:text )?(?:assistant|model)\b",
    (
        r"\b(?:je ne (?:peux|suis|puis)|no puedo|no poder|non posso|não posso|kann ich nicht"
        r"|ich kann"
        r"|nicht helfen|ik kan)\b"
    ),
    r"^\W*(?:no|nope|never|nothing|not)\b",
    (
        r"\b(?:draw the line|crosse?s? a line|off[- ]limits|out of bounds|off the table|no"
        r" part|my"
        r" (?:guidelines|instructions|rules|settings)|(?:prevent|stop|keep|forbid)s? me"
        r"|leave (?:it|that"
        r"|this|them)|left out|keep (?:it|that|this) to myself|for me\b|from me\b)"
    ),
    (
        r"\b(?:he|she|they|who|model|models|senator|user|users)\b[^.!?]{0,20}"
        r"\b(?:refused?|declined?|refuses|declines|would not|can't|cannot)\b"
    ),
)
FEATURES = len(_SHAPES) + 1
_COMPILED = tuple(re.compile(each, re.IGNORECASE) for each in _SHAPES)
CUE = re.compile(
    r"\b(?:can'?t|cannot|can not|won'?t|will not|unable|not able|sorry|afraid|declin\w*"
    r"|refus\w*"
    r"|rather not|prefer not|guidelines|polic(?:y|ies)|not something|not comfortable|willing"
    r"|peux pas|puedo|posso|nicht|left out|have no|a no\b|draw the line"
    r"|(?:prevent|stop|keep|forbid)s? me"
    r"|instead|leave (?:it|out)|apologi\w*|not going to|not permitted|no part)\b",
    re.IGNORECASE,
)
"""A sentence with none of these is looked at only where an answer begins."""


def plain(sentence: str) -> str:
    """The sentence as the head sees it: straight quotes, cut to ``LONGEST``."""
    return sentence[:LONGEST].replace("\u2019", "'").strip()


def features(sentences: Sequence[str], first: Sequence[bool]) -> NDArray[np.float32]:
    """Shape (sentences, ``FEATURES``): which shapes each has, and whether it begins the
    answer."""
    import numpy as np

    out = np.zeros((len(sentences), FEATURES), np.float32)
    for at, (sentence, begins) in enumerate(zip(sentences, first, strict=True)):
        for shape, pattern in enumerate(_COMPILED):
            out[at, shape] = pattern.search(sentence) is not None
        out[at, -1] = begins
    return out
