"""People, addresses and telephone numbers of many countries, as Faker makes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from llm_shield.evaluation.corpus import Case
from llm_shield.extras import needs

SCANNER = "Sensitive"
SOURCE = (
    "Values by Faker's providers person, address and phone_number for 18 locales, made at run "
    "time with seed 20261124; sentences are our own."
)
LICENCE = "Faker: MIT; the sentences: Apache-2.0, as this repository."
SPLIT = "All of it is for testing; forms of addresses were tried out on other seeds."

LOCALES = (
    "en_US", "en_GB", "en_CA", "en_AU", "en_IN", "en_NZ", "de_DE", "de_AT", "fr_FR",
    "es_ES", "it_IT",    "pt_BR", "pt_PT", "nl_NL", "pl_PL", "sv_SE", "da_DK", "fi_FI",
)  # fmt: skip
PER_LOCALE = 12

FRAMES = {
    "person": (
        "{value} asked for a refund yesterday.",
        "Please forward this to {value} before noon.",
        "I spoke with {value} about the contract, and we agreed.",
        "The patient, {value}, was discharged on Tuesday.",
        "Summarise the complaint that {value} sent us.",
        "Name: {value}",
    ),
    "address": (
        "Please send the parcel to {value}.",
        "I live at {value} and need a plumber.",
        "{value}",
        "Our new office is at {value}; the old one is closed.",
        "Shipping address:\n{value}\n",
    ),
    "phone": (
        "Call me at {value} tonight.",
        "Phone: {value}",
        "You can reach us on {value}, any time.",
        "My number is {value}.",
        "{value} is what it said on the display.",
    ),
}


def _person(fake: Any) -> str:
    return f"{fake.first_name()} {fake.last_name()}"


def cases() -> Iterator[Case]:
    """``PER_LOCALE`` of each kind and locale, the same ones each time. Raises ``MissingExtra``
    where Faker, which only the evaluation needs, is not installed."""
    needs("faker", "Faker, which makes the values of this corpus,", "shield")
    from faker import Faker

    rng = random.Random(20261124)  # noqa: S311  (repeats a corpus; protects nothing)
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(20261124)
        makers: dict[str, Callable[[], object]] = {
            "person": partial(_person, fake),
            "address": fake.address,
            "phone": fake.phone_number,
        }
        for kind, make in makers.items():
            for _ in range(PER_LOCALE):
                value = str(make())
                if rng.random() < 0.5:
                    value = value.replace("\n", ", ")
                text = rng.choice(FRAMES[kind]).format(value=value)
                start = text.index(value)
                yield Case(
                    text, True, kind, spans=((start, start + len(value), f"pii.{kind}"),)
                )
