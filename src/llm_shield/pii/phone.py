"""Telephone numbers: E.164 with its country codes, and national forms.

A number with ``+`` and a country code (ITU-T E.164, list of assigned codes) is told by
that. One without is told by the way it is written, where that is a country's usual one, or by
words around it. Numbers are not looked up in numbering plans: those change monthly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_shield.pii.context import OTHER_NUMBERS, Words
from llm_shield.pii.found import Found

CODES = frozenset(
    str.split(
        "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 "
        "61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 "
        "223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 "
        "244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 "
        "266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 "
        "372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 420 421 423 500 501 "
        "502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 "
        "674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 "
        "852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 "
        "970 971 972 973 974 975 976 977 979 992 993 994 995 996 998"
    )
)
"""Country calling codes."""

WORDS = Words(
    "phone, phones, telephone, tel, tel., mobile, cell, cellphone, call, calls, called, "
    "calling, "
    "dial, text, sms, whatsapp, signal, fax, contact, reach, ring, hotline, helpline, "
    "landline, "
    "number is, telefon*, handy, mobil, rufnummer, téléphone, telephone, portable, appelez, "
    "teléfono, telefono, móvil, movil, celular, llamar, llame, cellulare, chiamare, telefone, "
    "ligue, telefoon*, bellen, mobiel, numer telefonu, phone number, ph, ph., tlf, gsm"
)

_CANDIDATE = re.compile(r"(?<![\w@])(?:\+ ?|\((?=[+0-9]))?[0-9](?:[ .()/-]{0,3}+[0-9])*+")
_EXTENSION = re.compile(
    r"[ ,;]{0,2}(?:ext\.?|extension|x|#) ?[0-9]{1,6}(?![0-9A-Za-z])", re.IGNORECASE
)

_TENS = r"[2-9][0-9]{2}"
_FORMS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(form), score)
    for form, score in (
        # North America: (212) 555-0123, 212-555-0123, 1-212-555-0123
        (rf"(?:1[ .-]?)?\({_TENS}\) ?{_TENS}[ .-][0-9]{{4}}", 0.85),
        (rf"(?:1-)?{_TENS}-{_TENS}-[0-9]{{4}}", 0.8),
        (rf"(?:1\.)?{_TENS}\.{_TENS}\.[0-9]{{4}}", 0.75),
        (rf"(?:1 )?{_TENS} {_TENS}[ -][0-9]{{4}}", 0.65),
        # ... and the same with digits that no exchange has, as in made-up data
        (r"(?:(?:00)?1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}-)[0-9]{3}-[0-9]{4}", 0.65),
        (r"(?:(?:00)?1\.)?[0-9]{3}\.[0-9]{3}\.[0-9]{4}", 0.55),
        # France: 01 23 45 67 89
        (r"0[1-9](?:([ .-])[0-9]{2})(?:\1[0-9]{2}){3}", 0.8),
        # A trunk 0 or brackets and some groups: Britain, Germany, Italy, Australia, Japan
        (r"\(0[0-9]{1,5}\) ?[0-9]{2,5}(?:[ -]?[0-9]{2,5}){1,3}", 0.75),
        (r"0[1-9][0-9]{1,4}[ /-][0-9]{3,8}", 0.55),
        (r"0[1-9][0-9]{0,4}(?:[ /-]{1,3}[0-9]{2,4}){2,4}", 0.7),
        # Brazil: (11) 91234-5678
        (r"\([1-9][0-9]\) ?9?[0-9]{4}[ -][0-9]{4}", 0.8),
        # India: 98765 43210; Spain: 612 345 678
        (r"[6-9][0-9]{4}[ -][0-9]{5}", 0.6),
        (r"[679][0-9]{2}[ ][0-9]{2,3}[ ][0-9]{2,3}(?: [0-9]{2})?", 0.4),
    )
)


def phones(text: str) -> Iterator[Found]:
    """All telephone numbers."""
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        if end - start > 160:
            continue  # a table of numbers; its parts are too many things
        for a, b in _parts(text, start, end):
            found = _judge(text, a, b)
            if found is not None:
                yield found


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The whole run; where that is too long for a number, what wide gaps divide it into."""
    written = text[start:end]
    if sum(map(str.isdigit, written)) <= 16:
        yield start, end
        return
    at = start
    for part in re.split(r"( {2,}| / | - )", written):
        if part and part[0] != " ":
            yield at, at + len(part)
        at += len(part)


def _judge(text: str, start: int, end: int) -> Found | None:
    if start and _bound(text[start - 1]):
        return None
    written = text[start:end]
    extension = _EXTENSION.match(text, end, end + 20)
    if extension is not None:
        stop = extension.end()
    elif end < len(text) and (
        (text[end].isalnum() and text[end].isascii()) or text[end] == "_"
    ):
        return None
    else:
        stop = end
    if written[0] == "(" and written.count("(") > written.count(")"):
        start, written = start + 1, written[1:]
    digits = "".join(filter(str.isdigit, written))
    if not 7 <= len(digits) <= 16 or digits == digits[0] * len(digits):
        return None
    if written.lstrip("(").startswith(("+", "00")) and (written[0] in "+(" or len(digits) > 9):
        national = digits.removeprefix("00")
        if 8 <= len(national) <= 15 and any(national[:n] in CODES for n in (1, 2, 3)):
            return Found("phone", start, stop, 0.93, "a telephone number with a country code")
    named = WORDS.near(text, start, stop)
    for form, alone in _FORMS:
        if form.fullmatch(written):
            score = alone
            if named:
                score = 0.93
            elif OTHER_NUMBERS.before(text, start):
                score = alone / 2
            elif extension is not None:
                score = max(alone, 0.8)
            return Found("phone", start, stop, score, "written as telephone numbers are")
    if named and not _other(written) and not OTHER_NUMBERS.before(text, start, 12):
        return Found("phone", start, stop, 0.75, "a number next to words of telephony")
    return None


def _bound(character: str) -> bool:
    """What a number is joined to, so that it is part of something else."""
    return character in "_.$€£%"


def _other(written: str) -> bool:
    """Dates, times, decimals and addresses of machines."""
    if re.fullmatch(r"[0-9]+\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}", written):
        return True
    return bool(
        re.fullmatch(
            r"(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}(?: [0-9]{1,2})?"
            r"|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:19|20)[0-9]{2}"
            r"|(?:19|20)[0-9]{2} ?- ?(?:19|20)[0-9]{2}"
            r"|[0-9]{3}-[0-9]{2}-[0-9]{4}",
            written,
        )
    )
