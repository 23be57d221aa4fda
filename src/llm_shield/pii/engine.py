"""All recognisers that need no model, one after the other, and the names of all kinds."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.pii import lettered as lettered_kinds
from llm_shield.pii import numbers as number_kinds
from llm_shield.pii.addresses import addresses
from llm_shield.pii.bank import accounts, ibans, wallets
from llm_shield.pii.dates import births
from llm_shield.pii.email import emails
from llm_shield.pii.found import Found
from llm_shield.pii.introduced import introduced
from llm_shield.pii.network import ipv4, ipv6_and_mac
from llm_shield.pii.numbers import numbers
from llm_shield.pii.phone import phones
from llm_shield.pii.runs import runs

NAMED = frozenset({"person", "organisation", "location"})
"""What a model finds; without it only people who are introduced are."""

KINDS = NAMED | {
    "address",
    "bank-account",
    "bic",
    "birth-date",
    "bitcoin",
    "driving-licence",
    "email",
    "ethereum",
    "iban",
    "id-document",
    "ip",
    "mac",
    "medical-record",
    "number-plate",
    "passport",
    "phone",
    *(each.kind for each in number_kinds.KINDS),
    *(each.kind for each in lettered_kinds.KINDS),
}
"""Every kind, without ``pii.``."""

EXACT = frozenset(
    {"bitcoin", "card", "email", "ethereum", "iban", "ip", "mac", "us-ssn"}
    | {each.kind for each in number_kinds.KINDS}
    | {each.kind for each in lettered_kinds.KINDS}
)
"""Kinds that are told by check digits or by a strict form."""


def exact(text: str) -> Iterator[Found]:
    """Everything but what the model finds; overlapping places are not yet sorted out."""
    if not text:
        return
    yield from emails(text)
    yield from ipv6_and_mac(text)
    yield from ibans(text)
    yield from accounts(text)
    yield from wallets(text)
    yield from lettered_kinds.lettered(text)
    yield from lettered_kinds.documents(text)
    yield from phones(text)
    yield from births(text)
    yield from addresses(text)
    yield from introduced(text)
    for run in runs(text):
        yield from ipv4(text, run)
        yield from numbers(text, run)
