"""Names of people behind words that introduce them: titles, ``my name is``, ``Patient:``.

Needs no model; finds few of a text's names, and those surely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_shield.pii.found import Found

_UPPER = "A-ZÀ-ÖØ-ÞŁŚŻŹĆŃŐŰŞĞİČĎĚŇŘŠŤŮŽ"
_PART = rf"(?:[{_UPPER}][\w'-]{{1,24}}|[{_UPPER}]\.)"
_SMALL = "van|von|de|da|der|den|del|di|la|le|bin|al|el|dos|du|ten|ter|zu"
_NAME = rf"{_PART}(?: (?:(?:{_SMALL}) ){{0,2}}{_PART}){{0,3}}"
_FULL = rf"{_PART}(?: (?:(?:{_SMALL}) ){{0,2}}{_PART}){{1,3}}"

_TITLED = re.compile(
    r"(?<![\w.])(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Professor|Herr|Frau|Mme|Mlle|Monsieur|Madame|Sr|"
    "Sra|"
    r"Señor|Señora|Signor|Signora|Sig|Dott|Dottoressa|Pan|Pani|Mevrouw|Dhr|Mw)\.? "
    rf"({_NAME})"
)
_INTRODUCED = re.compile(
    r"(?<!\w)(?i:my name is|my name's|name is|i am called|named|je m'appelle|mein name ist|ich "
    "heiße|"
    r"me llamo|mi nombre es|mi chiamo|meu nome é|mijn naam is|nazywam się|"
    r"(?:full|first|last|customer|patient|employee|client|account|contact|cardholder|card "
    "holder|"
    r"user|beneficiary|recipient|applicant|holder|policyholder|tenant|student)?[ _-]?names?\"? "
    "?[:=]|"
    r"(?:patient|customer|client|employee|contact|attn|attention|cardholder|beneficiary|"
    "recipient|"
    r"applicant|signed|signed by|sincerely|regards|yours truly|yours faithfully),?:?)"
    rf"[ \n\"]{{0,2}}({_NAME})"
)
_SPOKEN = re.compile(
    rf"(?<!\w)(?i:i am|i'm|this is|dear|hello|hi|contact|call|email|ask for|speak to|meet|met "
    "with) "
    rf"({_FULL})(?=[ ,.;:!?\n)]|$)"
)
_NO_NAME = frozenset(
    str.split(
        "The This That What Who When Where Why How Is Are It Inc Ltd LLC GmbH Corp Company "
        "Team Support Customer Service Sales Office Hello Hi Dear Sir Madam All Everyone API "
        "URL SQL HTTP JSON Python Java Monday Tuesday Wednesday Thursday Friday Saturday "
        "Sunday January February March April May June July August September October November "
        "December English German French Spanish Help Desk Department Hiring Manager Human "
        "Resources Not Null None True False Unknown Street Road"
    )
)


def introduced(text: str) -> Iterator[Found]:
    """Names, told by the words before them."""
    for form, score in ((_TITLED, 0.8), (_INTRODUCED, 0.75), (_SPOKEN, 0.6)):
        for match in form.finditer(text):
            words = match[1].split()
            if any(
                each.strip(".") in _NO_NAME or (each.isupper() and len(each) > 4)
                for each in words
            ):
                continue
            yield Found(
                "person", *match.span(1), score, "a name behind words that introduce one"
            )
