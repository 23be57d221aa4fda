"""Dates inside numbers, and dates of birth in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from llm_shield.pii.context import Words
from llm_shield.pii.found import Found

BIRTH = Words(
    "dob, d.o.b, d.o.b., born, birth, birthday, birthdate, date of birth, birth date, geboren, "
    "geburtsdatum, geb., geb, naissance, né le, née le, né, née, nacimiento, nacido, nacida, "
    "fecha de nacimiento, nascita, nato, nata, nascimento, nascido, nascida, geboortedatum, "
    "urodzenia, urodzony, urodzona, født, född, fødselsdato, födelsedatum"
)

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|januar|februar|märz|mai|juni|"
    "juli|"
    "oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|"
    "décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|"
    "diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|"
    "fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
)
_DATE = re.compile(
    r"(?<![\w.])[0-9](?:"
    r"(?<=[12])[0-9]{3}[-/.][0-9]{1,2}[-/.][0-9]{1,2}"
    r"|[0-9]?[-/.] ?[0-9]{1,2}[-/.] ?(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    r"|[0-9]?(?:st|nd|rd|th|\.)?(?: of| de)? ?(?:"
    + _MONTHS
    + r")\.?,?(?: de)? ?(?:19|20)[0-9]{2}"
    r"|[0-9]?(?:st|nd|rd|th)?,? (?:19|20)[0-9]{2}"
    r")(?![\w])",
    re.IGNORECASE,
)
_DAY_YEAR = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4}", re.IGNORECASE)
_MONTH_BEFORE = re.compile(r"(?<!\w)(?:" + _MONTHS + r")\.? \Z", re.IGNORECASE)


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def in_some_century(year: int, month: int, day: int) -> bool:
    """Whether a year of two digits has such a day, in the 20th or the 21st century."""
    return is_date(1900 + year, month, day) or is_date(2000 + year, month, day)


def births(text: str) -> Iterator[Found]:
    """Dates behind words of birth; a date alone is nobody's."""
    if not BIRTH.possible(text.lower()):
        return
    for match in _DATE.finditer(text):
        start, end = match.span()
        if _DAY_YEAR.fullmatch(match[0]):
            # `12, 1980`: a date if a month is before it.
            month = _MONTH_BEFORE.search(text, max(0, start - 14), start)
            if month is None:
                continue
            start = month.start()
        if BIRTH.near(text, start, end):
            yield Found("birth-date", start, end, 0.85, "a date next to words of birth")
