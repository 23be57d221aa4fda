"""Payment cards: ISO/IEC 7812-1 with the ranges that the networks publish.

The check digit is met by one number in ten, and the ranges here cover about a quarter of
what 16 random digits can begin with: of random 16 digits, one in forty passes for a card.
"""

from __future__ import annotations

from llm_shield.pii.checksums import luhn, one_digit_only

_RANGES: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),  # American Express
    ("6011", "6011", frozenset({16, 19})),  # Discover
    ("644", "649", frozenset({16, 19})),  # Discover
    ("65", "65", frozenset({16, 19})),  # Discover
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("3095", "3095", frozenset({14, 16, 19})),  # Diners Club
    ("36", "36", frozenset({14, 16, 19})),  # Diners Club
    ("38", "39", frozenset({14, 16, 19})),  # Diners Club
    ("3528", "3589", frozenset({16, 19})),  # JCB
    ("1800", "1800", frozenset({15})),  # JCB, before 1990
    ("2131", "2131", frozenset({15})),  # JCB, before 1990
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("5018", "5018", frozenset(range(13, 20))),  # Maestro
    ("5020", "5020", frozenset(range(13, 20))),  # Maestro
    ("5038", "5038", frozenset(range(13, 20))),  # Maestro
    ("5893", "5893", frozenset(range(13, 20))),  # Maestro
    ("6304", "6304", frozenset(range(13, 20))),  # Maestro
    ("6759", "6763", frozenset(range(13, 20))),  # Maestro
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
    ("508", "508", frozenset({16})),  # RuPay
    ("6521", "6522", frozenset({16})),  # RuPay
    ("5067", "5067", frozenset({16})),  # Elo
    ("6362", "6363", frozenset({16})),  # Elo
    ("6062", "6062", frozenset({16})),  # Hipercard
)


def issued(digits: str) -> bool:
    """Whether a network gives out numbers of this length that begin like this."""
    return any(
        low <= digits[: len(low)] <= high and len(digits) in lengths
        for low, high, lengths in _RANGES
    )


def card(digits: str) -> bool:
    """A number that may be a card's."""
    return issued(digits) and luhn(digits) and not one_digit_only(digits)
