"""Accounts: IBAN (ISO 13616, lengths of SWIFT's IBAN registry), BIC (ISO 9362), crypto wallets.

Account numbers without check digits are found behind words that name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_shield.pii.checksums import base58check, bech32, mod97
from llm_shield.pii.context import Words
from llm_shield.pii.found import Found

IBAN_LENGTHS = {
    each[:2]: int(each[2:])
    for each in str.split(
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
        "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 "
        "HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 "
        "MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 "
        "RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
        "VA22 VG24 XK20 YE30"
    )
}
"""The length of a country's IBAN, in characters."""

_PREFIX = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ .-]?[0-9A-Za-z]{2})")
_SEPARATORS = re.compile(r"[ .-]")

MOST_HASHED = 100
"""Ethereum addresses of a text whose check is computed, half a millisecond each; those behind
them are taken by their form."""

_COUNTRIES = frozenset(IBAN_LENGTHS) | frozenset(
    str.split(
        "US CA AU NZ JP CN HK SG IN KR TW TH MY ID PH VN ZA NG KE GH MX AR CL CO PE UY BO PY "
        "EC VE MA DZ TZ UG ZW BD LK NP KH MM"
    )
)
_BIC = re.compile(r"(?<![\w-])[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![\w-])")
_BIC_WORDS = Words("bic, swift, swift code, bic code, bank identifier, swift/bic, bic/swift")

_ACCOUNT = re.compile(
    r"(?<!\w)(?:account|acct|a/c|bank account|konto|kontonummer|compte|cuenta|conto|sort code)"
    r"(?:[ _]?(?:number|no|num|nr|#))?\.?(?: is| was)?[ :=#]{1,3}"
    r"([0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9](?:[ -]?[0-9]){5,16})(?![\w.-]*\w)",
    re.IGNORECASE,
)
_ACCOUNT_HINTS = ("account", "acct", "a/c", "konto", "compte", "cuenta", "conto", "sort code")

_BASE58 = re.compile(r"(?<![A-Za-z0-9])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])")
_BECH32 = re.compile(
    r"(?<![A-Za-z0-9])(?:bc|tb)1[ac-hj-np-z02-9]{11,71}(?![A-Za-z0-9])", re.IGNORECASE
)
_ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9A-Fa-f]{40}(?![A-Za-z0-9])")


def ibans(text: str) -> Iterator[Found]:
    """Numbers of a country in the registry, of its length, whose mod 97 is 1."""
    for match in _PREFIX.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2].upper())
        if length is None:
            continue
        end = _end_of(text, match.start(), length)
        if end is None or (end < len(text) and text[end].isascii() and text[end].isalnum()):
            continue
        characters = _SEPARATORS.sub("", text[match.start() : end])
        if mod97(characters[4:] + characters[:4]):
            yield Found("iban", match.start(), end, 0.99, "an IBAN, and its check fits")


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where that many characters, with separators between them, end."""
    seen, at = 0, start
    while at < len(text) and seen < length:
        character = text[at]
        if character.isascii() and character.isalnum():
            seen += 1
        elif character not in " .-" or not text[at - 1].isalnum():
            return None
        at += 1
    return at if seen == length else None


def accounts(text: str) -> Iterator[Found]:
    """BICs and account numbers; both need words that name them."""
    lowered = text.lower()
    if _BIC_WORDS.possible(lowered):
        for match in _BIC.finditer(text):
            if match[1] in _COUNTRIES and _BIC_WORDS.near(text, *match.span()):
                yield Found("bic", *match.span(), 0.85, "a BIC next to words that name it")
    if any(each in lowered for each in _ACCOUNT_HINTS):
        for match in _ACCOUNT.finditer(text):
            yield Found(
                "bank-account", *match.span(1), 0.7, "a number behind words of an account"
            )


def wallets(text: str) -> Iterator[Found]:
    """Bitcoin (base58check, BIP 173 and 350) and Ethereum (ERC-55 where the case is mixed)."""
    for match in _BASE58.finditer(text):
        body = base58check(match[0])
        if body is not None and len(body) == 21 and body[0] in {0, 5}:
            yield Found("bitcoin", *match.span(), 0.99, "a Bitcoin address, its check fits")
    for match in _BECH32.finditer(text):
        if bech32(match[0]):
            yield Found("bitcoin", *match.span(), 0.99, "a Bitcoin address, its check fits")
    if "0x" in text:
        for count, match in enumerate(_ETHEREUM.finditer(text)):
            score = _ethereum(match[0][2:]) if count < MOST_HASHED else 0.75
            if score:
                yield Found("ethereum", *match.span(), score, "an Ethereum address")


def _ethereum(digits: str) -> float:
    """How sure: one in mixed case carries a check, one in a single case has none."""
    if digits in {digits.lower(), digits.upper()}:
        return 0.0 if digits.strip("0") == "" else 0.75
    from llm_shield.pii.keccak import keccak256

    hashed = keccak256(digits.lower().encode()).hex()
    for each, nibble in zip(digits, hashed, strict=False):
        if each.isalpha() and each.isupper() != (int(nibble, 16) >= 8):
            return 0.0
    return 0.99
