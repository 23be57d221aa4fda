"""Identifiers that are the same in every country, made as ``_identifiers`` makes the others."""

from __future__ import annotations

import hashlib
import ipaddress
import string

from llm_shield.evaluation.corpora._digits import Rng, digits, luhn_digit, one_of


def card(rng: Rng) -> str:
    """One of six networks, lengths and groups as printed on cards."""
    prefix, length, shape = rng.choice((
        ("4", 16, "4 4 4 4"), ("4", 16, "4-4-4-4"), ("51", 16, "4 4 4 4"), ("2221", 16, ""),
        ("55", 16, ""), ("34", 15, "4 6 5"), ("37", 15, "4-6-5"), ("6011", 16, "4 4 4 4"),
        ("65", 16, "4-4-4-4"), ("36", 14, "4 6 4"), ("3530", 16, "4 4 4 4"), ("62", 16, ""),
        ("4", 13, ""), ("4", 19, "4 4 4 4 3"),
    ))  # fmt: skip
    body = prefix + digits(rng, length - 1 - len(prefix))
    return one_of(rng, body + luhn_digit(body), shape)


IBAN_FORMS = {
    "DE": "18n", "GB": "4a14n", "FR": "10n11c2n", "ES": "20n", "IT": "1a10n12c", "NL": "4a10n",
    "BE": "12n", "AT": "16n", "CH": "5n12c", "PL": "24n", "SE": "20n", "NO": "11n", "DK": "14n",
    "FI": "14n", "PT": "21n", "IE": "4a14n", "GR": "7n16c", "CZ": "20n", "HU": "24n",
    "RO": "4a16c",
    "LU": "3n13c", "MT": "4a5n18c", "SA": "2n18c", "AE": "19n", "BR": "23n1a1c", "TR": "6n16c",
}  # fmt: skip
"""The national part, as SWIFT's IBAN registry has it: n digits, a letters, c either."""


def iban(rng: Rng) -> str:
    """ISO 13616: 98 less the rest by 97."""
    country, form = rng.choice(sorted(IBAN_FORMS.items()))
    body, number = "", ""
    pools = {"n": string.digits, "a": string.ascii_uppercase}
    for each in form:
        if each.isdigit():
            number += each
        else:
            pool = pools.get(each, string.digits + string.ascii_uppercase)
            body += "".join(rng.choices(pool, k=int(number)))
            number = ""
    rest = 0
    for each in f"{body}{country}00":
        for digit in str(string.digits.find(each) if each in string.digits else ord(each) - 55):
            rest = (rest * 10 + int(digit)) % 97
    whole = f"{country}{98 - rest:02}{body}"
    spaced = " ".join(whole[n : n + 4] for n in range(0, len(whole), 4))
    return rng.choice((whole, spaced))


def email(rng: Rng) -> str:
    """Local parts and domains as they are used."""
    word = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
    other = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
    local = rng.choice((
        word, f"{word}.{other}", f"{word}_{other}", f"{word}+{other}",
        f"{word}{digits(rng, 2)}",
        f"{word[0]}.{other}", f"{word}-{other}", f"{word.capitalize()}.{other.capitalize()}",
    ))  # fmt: skip
    host = rng.choice((
        "example.com", "example.org", f"{word}.example.net", f"mail.{other}.co.uk",
        f"{other}-{word}.de", f"{word}.io", f"{other}.museum", f"{word}.xn--p1ai",
    ))  # fmt: skip
    return f"{local}@{host}"


def ipv4(rng: Rng) -> str:
    """Of a network that others can reach."""
    while True:
        address = ipaddress.IPv4Address(rng.randrange(2**32))
        if address.is_global and not address.is_multicast and int(address) >> 24 > 20:
            return str(address)


def ipv6(rng: Rng) -> str:
    """Of the global unicast range; compressed, in full, or in upper case."""
    address = ipaddress.IPv6Address((0x2A << 120) + rng.randrange(2**112))
    return rng.choice((address.compressed, address.exploded, address.compressed.upper()))


def mac(rng: Rng) -> str:
    """With colons, hyphens or dots."""
    raw = f"{rng.randrange(2**48):012x}"[:-1] + "a"
    pairs = [raw[n : n + 2] for n in range(0, 12, 2)]
    dotted = ".".join(raw[n : n + 4] for n in (0, 4, 8))
    return rng.choice((":".join(pairs), "-".join(pairs).upper(), dotted))


def vin(rng: Rng) -> str:
    """49 CFR 565.15: the ninth character makes the rest by 11."""
    alphabet = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
    values = "012345678912345678" + "12345" + "7" + "9" + "23456789"
    body = "1HG" + "".join(rng.choices(alphabet, k=14))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        int(values[alphabet.index(each)]) * weight
        for each, weight in zip(body, weights, strict=True)
    )
    return f"{body[:8]}{'0123456789X'[total % 11]}{body[9:]}"


def bitcoin(rng: Rng) -> str:
    """Base58check of version 0 or 5 and twenty bytes."""
    raw = bytes([rng.choice((0, 5))]) + rng.randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out


def ethereum(rng: Rng) -> str:
    """Twenty bytes in one case, which carry no check."""
    return f"0x{rng.randbytes(20).hex()}"
