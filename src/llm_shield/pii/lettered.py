"""Identifiers of letters and digits: national ones, documents, vehicles.

The rules are those of the issuing authorities; check letters are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llm_shield.pii import national
from llm_shield.pii.checksums import weighted
from llm_shield.pii.context import OTHER_NUMBERS, Words
from llm_shield.pii.dates import in_some_century
from llm_shield.pii.found import Found

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def es_dni(characters: str) -> bool:
    """Real Decreto 1553/2005: the rest of the number by 23 says the letter."""
    return _DNI[int(characters[:8]) % 23] == characters[8]


def es_nie(characters: str) -> bool:
    """As the DNI, with X, Y, Z for 0, 1, 2."""
    return es_dni(str("XYZ".index(characters[0])) + characters[1:])


_CF_MONTHS = "ABCDEHLMPRST"
_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11,
         3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def it_fiscal_code(characters: str) -> bool:
    """Decreto Ministeriale of 23 December 1976, with the letters that stand for digits where
    two people would have the same code."""
    total = sum(_CF_ODD[each] for each in characters[0:15:2])
    total += sum(int(each) if each.isdigit() else ord(each) - 65 for each in characters[1:15:2])
    return characters[8] in _CF_MONTHS and chr(65 + total % 26) == characters[15]


def fi_henkilotunnus(characters: str) -> bool:
    """Digital and Population Data Services Agency: the rest by 31 says the last character."""
    digits = characters[:6] + characters[-4:-1]
    if not in_some_century(int(digits[4:6]), int(digits[2:4]), int(digits[:2])):
        return False
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] == characters[-1]


def uk_nino(characters: str) -> bool:
    """HMRC, NIM39110: letters that are not used, prefixes that are not given out."""
    prefix = characters[:2]
    return prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def in_pan(characters: str) -> bool:
    """Income Tax Department: the fourth letter says what the holder is."""
    return characters[3] in "ABCFGHJLPT"


def sg_nric(characters: str) -> bool:
    """Immigration & Checkpoints Authority: weights 2765432, a letter by series."""
    total = weighted(characters[1:8], (2, 7, 6, 5, 4, 3, 2))
    total += {"T": 4, "G": 4, "M": 3}.get(characters[0], 0)
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "XWUTRQPNJLK",
    }[characters[0]]
    if characters[0] == "M":
        return letters[10 - total % 11] == characters[8]
    return letters[total % 11] == characters[8]


def hk_hkid(characters: str) -> bool:
    """Immigration Department: letters count from A = 10, a space 36; mod 11."""
    body, check = characters[:-1].rjust(8), characters[-1]
    values = [36 if each == " " else int(each, 36) for each in body]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return "0123456789A"[-total % 11] == check


def mx_curp(characters: str) -> bool:
    """Instructivo normativo of 2006 (DOF): weights 18 to 2, mod 10, over an alphabet with Ñ."""
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(
        alphabet.index(each) * weight
        for each, weight in zip(characters[:17], range(18, 1, -1), strict=True)
    )
    date = (int(characters[4:6]), int(characters[6:8]), int(characters[8:10]))
    return in_some_century(*date) and -total % 10 == int(characters[17])


def cl_rut(characters: str) -> bool:
    """Registro Civil: weights 2 to 7 from the right, mod 11; 10 is K."""
    digits = characters[:-1]
    total = sum(int(each) * (2 + n % 6) for n, each in enumerate(reversed(digits)))
    return "0123456789K0"[-total % 11] == characters[-1]


def ie_pps(characters: str) -> bool:
    """Department of Social Protection: weights 8 to 2 (and 9 for a second letter), mod 23."""
    total = weighted(characters[:7], range(8, 1, -1))
    if len(characters) == 9 and characters[8] != "W":
        total += 9 * (ord(characters[8]) - 64)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == characters[7]


def fr_nir_of_corsica(characters: str) -> bool:
    """INSEE: 2A counts as 19, 2B as 18."""
    return national.fr_nir(characters.replace("2A", "19", 1).replace("2B", "18", 1))


_VIN_VALUES = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5,
         6, 7, 8, 9),
        strict=True,
    )
)  # fmt: skip
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(characters: str) -> bool:
    """ISO 3779 with the check digit that 49 CFR 565.15 asks for in North America."""
    total = sum(
        _VIN_VALUES[each] * weight
        for each, weight in zip(characters, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11] == characters[8] and not characters.isdigit()


def any_of_form(_: str) -> bool:
    """No check but the form."""
    return True


@dataclass(frozen=True, slots=True)
class LetteredKind:
    """A kind with letters in it.

    Attributes:
        kind: its name.
        form: as written, separators included; between no letters and digits.
        check: of its upper-case letters and digits.
        alone, near: its score without and with ``words`` around it.
    """

    kind: str
    form: re.Pattern[str]
    check: Callable[[str], bool]
    alone: float
    near: float
    words: Words


_IT_FORM = (
    r"[A-Z]{3} ?[A-Z]{3} ?[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2} ?[A-Z][0-9LMNP-V]{3} "
    "?[A-Z]"
)
_MBI_FORM = (
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]"
    r"[AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}"
)
_TABLE: tuple[tuple[str, str, Callable[[str], bool], float, float, str], ...] = (
    ("uk-nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2}[ -]?){3}[A-D]", uk_nino,
     0.75, 0.95, "nino, ni number, national insurance, insurance number, ni no, hmrc"),
    ("es-dni", r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}[ -]?[A-HJ-NP-TV-Z]", es_dni, 0.7, 0.95,
     "dni, nif, documento nacional, documento de identidad, spanish"),
    ("es-nie", r"[XYZ][ -]?[0-9]{7}[ -]?[A-HJ-NP-TV-Z]", es_nie, 0.8, 0.97,
     "nie, extranjero, extranjeros, spanish"),
    ("it-fiscal-code",
     _IT_FORM,
     it_fiscal_code, 0.95, 0.98, "codice fiscale, cf, c.f., fiscal code, italian"),
    ("fi-hetu", r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", fi_henkilotunnus,
     0.85, 0.95, "hetu, henkilötunnus, finnish"),
    ("in-pan", r"[A-Z]{5}[0-9]{4}[A-Z]", in_pan, 0.55, 0.9,
     "pan, permanent account, pan card, income tax"),
    ("sg-nric", r"[STFGM][0-9]{7}[A-Z]", sg_nric, 0.75, 0.95, "nric, fin, singapore, identity"),
    ("hk-hkid", r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)", hk_hkid, 0.8, 0.95,
     "hkid, hong kong, identity"),
    ("mx-curp", r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z][0-9]",
     mx_curp, 0.95, 0.98, "curp, clave única, mexican"),
    ("cl-rut", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9K]", cl_rut, 0.85, 0.95,
     "rut, run, rol único, chilean"),
    ("cn-resident", r"[1-8][0-9]{16}X", national.cn_resident, 0.9, 0.97, "身份证, resident"),
    ("ie-pps", r"[0-9]{7}[A-W][A-IW]?", ie_pps, 0.4, 0.9,
     "pps, ppsn, personal public service, irish"),
    ("fr-nir", r"[12] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
     fr_nir_of_corsica, 0.9, 0.97, "nir, insee, sécurité sociale"),
    ("us-mbi", _MBI_FORM, any_of_form, 0.7, 0.95,
     "medicare, mbi, beneficiary"),
    ("vin", r"[0-9A-HJ-NPR-Z]{17}", vin, 0.55, 0.95,
     "vin, vehicle, chassis, car, truck, fahrgestellnummer, registration"),
)  # fmt: skip

KINDS = tuple(
    LetteredKind(
        kind,
        re.compile(
            rf"(?<![0-9A-Za-z_.-])(?:{form})(?![0-9A-Za-z_]|-[0-9A-Za-z])",
            re.IGNORECASE | re.ASCII,
        ),
        check, alone, near, Words(words),
    )
    for kind, form, check, alone, near, words in _TABLE
)  # fmt: skip

# Every kind has a digit behind a few letters at most: most words of a text have none there, and
# only the others are held against the forms.
_CANDIDATE = re.compile(
    r"(?<![0-9A-Za-z_])(?=(?:[A-Za-z]{1,9}+[ -]?){0,2}+[0-9][0-9A-Za-z. -])"
)
_NOT_IN_IT = re.compile(r"[^0-9A-Z]")

# Documents without a check that others know: words must name them.
_DOCUMENTS = (
    ("passport", Words(
        "passport, passports, passport no, passport number, reisepass, passeport, pasaporte, "
        "passaporto, passaporte, paspoort, paszport, 护照"), re.compile(
        r"(?<![0-9A-Za-z_.-])(?:[A-Z]{1,3}[ -]?[0-9]{5,9}[A-Z]?|[0-9]{8,9}|"
        "[0-9]{2}[A-Z]{2}[0-9]{5}"
        r"|[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8})(?![0-9A-Za-z_])")),
    ("driving-licence", Words(
        "driving licence, driving license, driver's license, driver's licence, drivers "
        "license, "
        "driver license, drivers licence, driver licence, dl, dl no, dl number, licence "
        "number, "
        "license number, führerschein*, permis de conduire, permiso de conducir, patente"),
     re.compile(
        r"(?<![0-9A-Za-z_.-])(?:[A-Z]{1,2}[0-9]{5,14}|"
        "[A-Z]{1,2}[0-9]{3}(?:-[0-9]{3,4}){2,3}(?:-[0-9])?"
        r"|[A-Z9]{5}[0-9]{6}[A-Z9]{2}[0-9A-Z]{3}|[0-9]{7,12})(?![0-9A-Za-z_]|-[0-9A-Za-z])")),
    ("number-plate", Words(
        "license plate, licence plate, number plate, plate number, plates, kennzeichen, "
        "plaque d'immatriculation, matrícula, targa, kenteken"), re.compile(
        r"(?<![0-9A-Za-z_.-])(?:[A-Z]{2}[0-9]{2} ?[A-Z]{3}|"
        "[A-Z]{1,3}[ -][A-Z]{1,2}[ -]?[0-9]{1,4}"
        r"|[A-Z]{2}-[0-9]{3}-[A-Z]{2}|[A-Z]{2,3}[ -]?[0-9]{3,4}|[0-9]{1,4}[ -]?[A-Z]{2,3})"
        r"(?![0-9A-Za-z_])")),
    ("id-document", Words(
        "id card, identity card, personalausweis*, ausweis*, carte d'identité, "
        "carta d'identità, documento de identidad, cédula, cedula, dowód osobisty, national "
        "id, "
        "id number, identification number, residence permit"), re.compile(
        r"(?<![0-9A-Za-z_.-])(?:[A-Z]{2,3}[ -]?[0-9]{5,8}[A-Z]{0,2}|[CFGHJKLMNPRTVWXYZ]"
        r"[0-9CFGHJKLMNPRTVWXYZ]{8}|[0-9]{7,12})(?![0-9A-Za-z_]|-[0-9A-Za-z])")),
    ("medical-record", Words(
        "mrn, medical record, medical record number, patient id, patient number, chart number, "
        "health plan, insurance id, policy number, member id"), re.compile(
        r"(?<![0-9A-Za-z_.-])(?:[A-Z]{1,4}-?[0-9]{5,12}|[0-9]{6,12})(?![0-9A-Za-z_]|"
        r"-[0-9A-Za-z])")),
)  # fmt: skip


def lettered(text: str) -> Iterator[Found]:
    """Every kind that fits, at each word that could be one."""
    for match in _CANDIDATE.finditer(text):
        start = match.start()
        for kind in KINDS:
            whole = kind.form.match(text, start)
            if whole is None:
                continue
            found = _fits(kind, text, *whole.span())
            if found is not None:
                yield found


def _fits(kind: LetteredKind, text: str, start: int, end: int) -> Found | None:
    if not kind.check(_NOT_IN_IT.sub("", text[start:end].upper())):
        return None
    if kind.words.near(text, start, end):
        return Found(
            kind.kind, start, end, kind.near, "its form fits and words around it name it"
        )
    score = kind.alone
    if OTHER_NUMBERS.before(text, start):
        score /= 2
    return Found(kind.kind, start, end, score, "its form and its check fit")


def documents(text: str) -> Iterator[Found]:
    """Numbers that words before them name: passports, licences, records."""
    lowered = text.lower()
    possible = [each for each in _DOCUMENTS if each[1].possible(lowered)]
    if not possible:
        return
    for match in _CANDIDATE.finditer(text):
        start = match.start()
        for kind, words, form in possible:
            whole = form.match(text, start)
            if whole is not None and words.before(text, start, 40):
                yield Found(kind, *whole.span(), 0.75, "a number behind words that name it")
