"""Kinds that are written with digits alone: their shapes, checks, and words around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from llm_shield.pii import cards, national
from llm_shield.pii.checksums import Check, verhoeff
from llm_shield.pii.context import OTHER_NUMBERS, Words
from llm_shield.pii.found import Found
from llm_shield.pii.runs import Run, Window, windows


@dataclass(frozen=True, slots=True)
class NumberKind:
    """A kind of number.

    Attributes:
        kind: its name.
        lengths: how many digits it has.
        check: its check digits and structure.
        shapes: the groups it is written in, by separator: ``"3-2-4"``, ``"3 2 4"``.
        bare: the score of digits without separators, with no words around them; it is as high
            as the check is rarely met by chance.
        shaped: the same in one of its shapes.
        near: the score with words around it.
        words: those words.
    """

    kind: str
    lengths: tuple[int, ...]
    check: Check
    shapes: frozenset[tuple[tuple[int, ...], tuple[str, ...]]]
    bare: float
    shaped: float
    near: float
    words: Words


def _shapes(written: str) -> frozenset[tuple[tuple[int, ...], tuple[str, ...]]]:
    """``3-2-4`` to groups and what is between them."""
    shapes = set()
    for each in filter(None, written.split("|")):
        groups: list[int] = []
        gaps: list[str] = []
        number = ""
        for character in each:
            if character.isdigit():
                number += character
            else:
                groups.append(int(number))
                gaps.append(character)
                number = ""
        shapes.add(((*groups, int(number)), tuple(gaps)))
    return frozenset(shapes)


def _in_india(digits: str) -> bool:
    return digits[0] in "23456789" and verhoeff(digits)


_CARD_WORDS = (
    "card, cards, credit, debit, visa, mastercard, amex, american express, discover, diners, "
    "jcb, unionpay, maestro, cc, ccn, pan, card number, cvv, cvc, expiry, exp, expires, "
    "kreditkarte*, karte, carte, tarjeta, carta, cartão, kaart, payment, pay, charge, charged"
)

# kind, lengths, check, shapes, bare, shaped, near, words.  A check digit is met by chance once
# in ten or eleven numbers, two once in a hundred: hence .3 and .55 for bare digits.
_TABLE = (
    ("us-ssn", (9,), national.us_ssn, "3-2-4|3 2 4|3.2.4", 0.2, 0.85, 0.95,
     "ssn, ssns, social, social security, social security number, ss#, ss no, tin, taxpayer"),
    ("us-itin", (9,), national.us_itin, "3-2-4|3 2 4", 0.2, 0.75, 0.95,
     "itin, taxpayer, tax id, individual taxpayer, tin"),
    ("us-routing", (9,), national.us_routing, "4-4-1|", 0.3, 0.4, 0.9,
     "routing, aba, rtn, aba number, routing number, transit, wire"),
    ("us-npi", (10,), national.us_npi, "", 0.3, 0.3, 0.9,
     "npi, national provider, provider number, provider id"),
    ("uk-nhs", (10,), national.uk_nhs, "3 3 4|3-3-4", 0.3, 0.55, 0.95,
     "nhs, national health service, health service, patient, patients, nhs number"),
    ("de-tax-id", (11,), national.de_tax_id, "2 3 3 3|2-3-3-3", 0.6, 0.75, 0.95,
     "steuer*, tax id, tax identification, tin, idnr, identifikationsnummer, idno"),
    ("fr-nir", (15,), national.fr_nir, "1 2 2 2 3 3 2|13 2|1-2-2-2-3-3-2|1.2.2.2.3.3.2", 0.85,
     0.9, 0.97, "nir, insee, sécurité sociale, securite sociale, sécu, secu, social security"),
    ("nl-bsn", (9,), national.nl_bsn, "4 2 3|3 3 3|3.3.3|4.2.3|4-2-3|3-3-3", 0.3, 0.4, 0.9,
     "bsn, burgerservicenummer, sofinummer, sofi, citizen service number, dutch"),
    ("pl-pesel", (11,), national.pl_pesel, "", 0.55, 0.55, 0.95,
     "pesel, polish, polski, polska"),
    ("br-cpf", (11,), national.br_cpf, "3.3.3-2|3 3 3 2|3.3.3.2|9-2|3-3-3-2", 0.55, 0.9, 0.97,
     "cpf, cadastro, contribuinte, pessoa física, brazilian"),
    ("br-cnpj", (14,), national.br_cnpj, "2.3.3/4-2|2 3 3 4 2", 0.55, 0.9, 0.97,
     "cnpj, cadastro, pessoa jurídica"),
    ("in-aadhaar", (12,), _in_india, "4 4 4|4-4-4", 0.35, 0.6, 0.95,
     "aadhaar, aadhar, uidai, uid, adhaar, आधार"),
    ("ca-sin", (9,), national.ca_sin, "3 3 3|3-3-3", 0.3, 0.55, 0.95,
     "sin, social insurance, nas, assurance sociale, numéro d'assurance, canadian"),
    ("au-tfn", (8, 9), national.au_tfn, "3 3 3|3-3-3|2 3 3|3 3 2", 0.3, 0.4, 0.95,
     "tfn, tax file, tax file number, ato, australian tax"),
    ("au-abn", (11,), national.au_abn, "2 3 3 3|2-3-3-3", 0.5, 0.7, 0.95,
     "abn, australian business, business number"),
    ("au-medicare", (10, 11), national.au_medicare, "4 5 1|4-5-1|4 5 1/1", 0.3, 0.55, 0.9,
     "medicare, medicare card, medicare number"),
    ("se-personal", (10, 12), national.se_personal, "6-4|8-4|6 4|8 4", 0.4, 0.8, 0.95,
     "personnummer, personal identity, samordningsnummer, svensk, swedish, pnr"),
    ("dk-cpr", (10,), national.dk_cpr, "6-4|6 4", 0.1, 0.4, 0.9,
     "cpr, cpr-nr, cpr-nummer, personnummer, danish, dansk"),
    ("no-birth", (11,), national.no_birth, "6 5|6-5", 0.6, 0.8, 0.95,
     "fødselsnummer, fodselsnummer, fnr, personnummer, norwegian, d-nummer"),
    ("be-national", (11,), national.be_national, "2.2.2-3.2|2 2 2 3 2|6-3-2|2-2-2-3-2|6 3 2",
     0.5, 0.85, 0.95, "rijksregister*, registre national, nn, insz, niss, belgian"),
    ("ch-ahv", (13,), national.ch_ahv, "3.4.4.2|3 4 4 2", 0.75, 0.95, 0.97,
     "ahv, avs, oasi, ahv-nr, sozialversicherung*, swiss"),
    ("pt-nif", (9,), national.pt_nif, "3 3 3", 0.25, 0.4, 0.9,
     "nif, contribuinte, número fiscal, finanças, portuguese tax"),
    ("tr-identity", (11,), national.tr_identity, "", 0.55, 0.55, 0.95,
     "tc, t.c., kimlik, tckn, kimlik no, turkish"),
    ("kr-resident", (13,), national.kr_resident, "6-7|6 7", 0.4, 0.85, 0.95,
     "rrn, resident registration, 주민등록번호, korean"),
    ("za-identity", (13,), national.za_identity, "6 4 3|6-4-3|6 4 2 1|6 5 2|6 4 1 2", 0.72, 0.7,
     0.95, "south african, id number, identity number, rsa id, sa id, id no, sars"),
    ("cn-resident", (18,), national.cn_resident, "6 8 4|", 0.85, 0.9, 0.97,
     "身份证, 身份证号, resident identity, chinese id, id card"),
    ("jp-my-number", (12,), national.jp_my_number, "4 4 4|4-4-4", 0.3, 0.45, 0.9,
     "my number, マイナンバー, 個人番号, individual number, japanese"),
    ("il-identity", (9,), national.il_identity, "", 0.2, 0.2, 0.85,
     "teudat zehut, te'udat zehut, תעודת זהות, israeli, israeli id"),
    ("th-identity", (13,), national.th_identity, "1-4-5-2-1|1 4 5 2 1", 0.4, 0.85, 0.95,
     "thai, thai id, บัตรประชาชน, เลขประจำตัวประชาชน"),
    ("ro-cnp", (13,), national.ro_cnp, "", 0.55, 0.55, 0.95,
     "cnp, cod numeric personal, romanian"),
    ("hr-oib", (11,), national.hr_oib, "", 0.3, 0.3, 0.9,
     "oib, osobni identifikacijski, croatian"),
    ("cz-birth", (9, 10), national.cz_birth, "6/4|6/3", 0.3, 0.8, 0.95,
     "rodné číslo, rodne cislo, rč, birth number, czech, slovak"),
    ("ar-cuit", (11,), national.ar_cuit, "2-8-1", 0.5, 0.85, 0.95,
     "cuit, cuil, afip, argentine"),
    ("card", tuple(range(13, 20)), cards.card,
     "4 4 4 4|4-4-4-4|4.4.4.4|4 6 5|4-6-5|4 6 4|4-6-4|4 4 4 4 3|4-4-4-4-3|4 4 5|4/4/4/4|6 13",
     0.7, 0.95, 0.97,
     _CARD_WORDS),
)  # fmt: skip

KINDS = tuple(
    NumberKind(kind, lengths, check, _shapes(shapes), bare, shaped, near, Words(words))
    for kind, lengths, check, shapes, bare, shaped, near, words in _TABLE
)
_BY_LENGTH: dict[int, list[NumberKind]] = defaultdict(list)
for _kind in KINDS:
    for _length in _kind.lengths:
        _BY_LENGTH[_length].append(_kind)


def numbers(text: str, run: Run) -> Iterator[Found]:
    """Every kind that a part of the run fits."""
    for window in windows(text, run):
        for kind in _BY_LENGTH.get(len(window.digits), ()):
            found = _fits(kind, window, text)
            if found is not None:
                yield found


def _fits(kind: NumberKind, window: Window, text: str) -> Found | None:
    shaped = (window.shape, window.gaps) in kind.shapes
    if not (shaped or window.bare) or not kind.check(window.digits):
        return None
    start, end = window.start, window.end
    if kind.words.near(text, start, end):
        return Found(
            kind.kind, start, end, kind.near, "its check fits and words around it name it"
        )
    score = kind.shaped if shaped else kind.bare
    if window.prefixed or OTHER_NUMBERS.before(text, start):
        score = min(score, 0.9) / 2
    return Found(
        kind.kind, start, end, score,
        "its check and the way it is written fit" if shaped else "its check fits",
    )  # fmt: skip
