"""Check digits, against a second implementation: numbers made from the standards fit, and the
same with one digit changed do not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from Cryptodome.Hash import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.evaluation.corpora import _everywhere
from llm_shield.evaluation.corpora._digits import luhn_digit, until
from llm_shield.evaluation.corpora._identifiers import MAKERS
from llm_shield.pii import bank, cards, lettered, national
from llm_shield.pii.checksums import (
    base58check,
    bech32,
    luhn,
    mod11_2,
    mod11_10,
    mod97,
    verhoeff,
)
from llm_shield.pii.engine import exact
from llm_shield.pii.found import strongest
from llm_shield.pii.keccak import keccak256

SEEDS = st.integers(0, 2**32)
DIGITS = st.text("0123456789", min_size=2, max_size=30)

CHECKS: dict[str, Callable[[str], bool]] = {
    "card": cards.card,
    "us-ssn": national.us_ssn,
    "uk-nhs": national.uk_nhs,
    "de-tax-id": national.de_tax_id,
    "fr-nir": national.fr_nir,
    "nl-bsn": national.nl_bsn,
    "pl-pesel": national.pl_pesel,
    "br-cpf": national.br_cpf,
    "br-cnpj": national.br_cnpj,
    "in-aadhaar": verhoeff,
    "ca-sin": national.ca_sin,
    "au-tfn": national.au_tfn,
    "au-abn": national.au_abn,
    "us-routing": national.us_routing,
    "se-personal": national.se_personal,
    "no-birth": national.no_birth,
    "be-national": national.be_national,
    "ch-ahv": national.ch_ahv,
    "tr-identity": national.tr_identity,
    "za-identity": national.za_identity,
    "cn-resident": national.cn_resident,
    "kr-resident": national.kr_resident,
    "es-dni": lettered.es_dni,
    "es-nie": lettered.es_nie,
    "it-fiscal-code": lettered.it_fiscal_code,
    "fi-hetu": lettered.fi_henkilotunnus,
    "cl-rut": lettered.cl_rut,
    "vin": lettered.vin,
}
WITHOUT_CHECK = {"us-ssn"}


def plain(kind: str, seed: int) -> str:
    """One of the kind, as its check takes it."""
    made = until(MAKERS[kind][0], random.Random(seed))
    return re.sub(r"[^0-9A-Z]", "", made)


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_what_the_standard_makes_fits(kind: str, seed: int) -> None:
    assert CHECKS[kind](plain(kind, seed))


@pytest.mark.parametrize("kind", sorted(set(CHECKS) - WITHOUT_CHECK))
def test_most_with_one_digit_changed_do_not(kind: str) -> None:
    """Two digits out of ten may fit where a rest of 10 is written 0 (or a sum is mod 10 and
    weights are even): at most one changed number in three does, and most kinds let none by."""
    rng = random.Random(7)
    fits = total = 0
    for seed in range(60):
        number = plain(kind, seed)
        places = [n for n, each in enumerate(number) if each.isdigit()]
        place = rng.choice(places[-8:])
        other = rng.choice([each for each in "0123456789" if each != number[place]])
        total += 1
        fits += CHECKS[kind](number[:place] + other + number[place + 1 :])
    assert fits <= total / 5


@pytest.mark.parametrize("kind", ["card", "ca-sin", "in-aadhaar", "ch-ahv", "es-dni"])
@given(seed=SEEDS, place=st.integers(0, 40), step=st.integers(1, 9))
def test_these_never_miss_one_changed_digit(
    kind: str, seed: int, place: int, step: int
) -> None:
    number = plain(kind, seed)
    places = [n for n, each in enumerate(number) if each.isdigit()]
    at = places[place % len(places)]
    changed = number[:at] + str((int(number[at]) + step) % 10) + number[at + 1 :]
    assert not CHECKS[kind](changed)


@given(DIGITS)
def test_luhn_is_the_other_luhn(body: str) -> None:
    assert luhn(body + luhn_digit(body))
    assert sum(luhn(body + each) for each in "0123456789") == 1


@given(DIGITS)
def test_iso_7064(body: str) -> None:
    assert sum(mod11_10(body + each) for each in "0123456789") == 1
    assert sum(mod11_2(body + each) for each in "0123456789X") == 1
    checked = body + f"{98 - int(body + '00') % 97:02}"
    assert mod97(checked)
    # The three systems, by their definition: a weighted sum in powers.
    powers = sum(int(each) * pow(2, len(body) - n, 11) for n, each in enumerate(body)) % 11
    assert mod11_2(body + "0123456789X"[(1 - powers) % 11])


@given(DIGITS, st.integers(0, 28))
def test_verhoeff_sees_every_swap_of_neighbours(body: str, place: int) -> None:
    check = next(each for each in "0123456789" if verhoeff(body + each))
    number = body + check
    at = place % (len(number) - 1)
    if number[at] != number[at + 1]:
        swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        assert not verhoeff(swapped)


@given(st.binary(max_size=400))
def test_keccak_is_the_other_keccak(data: bytes) -> None:
    assert keccak256(data) == keccak.new(digest_bits=256, data=data).digest()


@given(SEEDS)
def test_bitcoin_addresses_fit_and_changed_ones_do_not(seed: int) -> None:
    address = _everywhere.bitcoin(random.Random(seed))
    assert base58check(address) is not None
    changed = address[:-1] + ("2" if address[-1] != "2" else "3")
    assert base58check(changed) is None


# BIP 173 and BIP 350, test vectors.
@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", True),
        ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", True),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", True),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", False),
        ("BC1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", False),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", False),
    ],
)
def test_bech32(address: str, fits: bool) -> None:
    assert bech32(address) is fits


# ERC-55, the examples of its text.
@pytest.mark.parametrize(
    "address",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    ],
)
def test_ethereum(address: str) -> None:
    assert [each.kind for each in bank.wallets(address)] == ["ethereum"]
    if address.upper()[2:] != address[2:]:
        wrong = address[:2] + address[2:].swapcase()
        assert list(bank.wallets(wrong)) == []


@pytest.mark.parametrize("kind", sorted(MAKERS))
@settings(max_examples=25)
@given(seed=SEEDS)
def test_every_kind_is_found_where_it_is_named(kind: str, seed: int) -> None:
    make, called = MAKERS[kind]
    value = until(make, random.Random(seed))
    text = f"\U0001f600 {called[-1]}: {value}\n"
    start = text.index(value)
    told = strongest(each for each in exact(text) if each.score >= 0.5)
    wanted = "ip" if kind == "ip6" else kind
    assert (wanted, start, start + len(value)) in [
        (each.kind, each.start, each.end) for each in told
    ]


def test_random_digits_are_cards_no_more_often_than_chance() -> None:
    """Luhn lets one number in ten by, and the networks' ranges cover a quarter of the rest."""
    rng = random.Random(3)
    hits = sum(cards.card("".join(rng.choices("0123456789", k=16))) for _ in range(20_000))
    assert 200 <= hits <= 600  # one to three in a hundred


def test_a_number_that_has_another_name_is_no_card() -> None:
    number = "4111111111111111"
    kinds = {each.kind for each in exact(f"order {number}") if each.score >= 0.5}
    assert "card" not in kinds
    assert "card" in {each.kind for each in exact(f"card {number}") if each.score >= 0.5}


@settings(max_examples=50)
@given(seed=SEEDS, step=st.integers(1, 9), place=st.integers(0, 40))
def test_an_iban_with_a_changed_digit_or_a_missing_end_is_none(
    seed: int, step: int, place: int
) -> None:
    value = _everywhere.iban(random.Random(seed))
    places = [n for n, each in enumerate(value) if each.isdigit()]
    at = places[place % len(places)]
    changed = value[:at] + str((int(value[at]) + step) % 10) + value[at + 1 :]
    assert [each.kind for each in bank.ibans(f"IBAN {value}.")] == ["iban"]
    assert list(bank.ibans(f"IBAN {changed}.")) == []
    assert list(bank.ibans(f"IBAN {value[:-1]}.")) == []
    assert list(bank.ibans(f"IBAN {value}7.")) == []
