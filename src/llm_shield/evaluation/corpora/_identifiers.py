"""Identifiers that fit, made from the standards: they compute check digits, where the
recognisers of ``llm_shield.pii`` check them, and share no code with them.

Every function takes a random generator and gives one identifier as people write it.
"""

from __future__ import annotations

import string

from llm_shield.evaluation.corpora._digits import (
    Maker,
    Rng,
    a_date,
    digits,
    luhn_digit,
    mod11_10_digit,
    one_of,
    written,
)
from llm_shield.evaluation.corpora._everywhere import (
    bitcoin,
    card,
    email,
    ethereum,
    iban,
    ipv4,
    ipv6,
    mac,
    vin,
)


def us_ssn(rng: Rng) -> str:
    """An area, group and serial that are given out."""
    area = rng.choice([each for each in range(1, 900) if each != 666])
    return f"{area:03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def _mod11_descending(body: str, start: int) -> int:
    return sum(int(each) * (start - n) for n, each in enumerate(body)) % 11


def uk_nhs(rng: Rng) -> str:
    """Modulus 11; bodies that would need a 10 are not used."""
    body = str(rng.randint(4, 7)) + digits(rng, 8)
    check = 11 - _mod11_descending(body, 10)
    if check == 10:
        return ""
    return one_of(rng, body + str(check % 11), "3 3 4", "", "3-3-4")


def uk_nino(rng: Rng) -> str:
    """Prefixes that are in use."""
    prefix = rng.choice(("AB", "CE", "JG", "NX", "PR", "SK", "WM", "YZ"))
    number = prefix + digits(rng, 6) + rng.choice("ABCD")
    return one_of(rng, number, "", "2 2 2 2 1")


def de_tax_id(rng: Rng) -> str:
    """One digit twice, the others once."""
    order = rng.sample(string.digits, 9)
    order.append(rng.choice(order))
    rng.shuffle(order)
    if order[0] == "0":
        return ""
    body = "".join(order)
    return one_of(rng, body + mod11_10_digit(body), "", "2 3 3 3")


def fr_nir(rng: Rng) -> str:
    """The key completes the number to a multiple of 97."""
    year, month, _ = a_date(rng)
    body = f"{rng.choice('12')}{year % 100:02}{month:02}{rng.randint(1, 95):02}{digits(rng, 6)}"
    number = body + f"{97 - int(body) % 97:02}"
    return one_of(rng, number, "1 2 2 2 3 3 2", "", "13 2")


def es_dni(rng: Rng) -> str:
    """The letters are a table of 23."""
    number = digits(rng, 8)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) - int(number) // 23 * 23]
    return f"{number}{rng.choice(('', '-'))}{letter}"


def es_nie(rng: Rng) -> str:
    """X, Y, Z stand for 0, 1, 2."""
    first, number = rng.randrange(3), digits(rng, 7)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[(first * 10**7 + int(number)) % 23]
    return f"{'XYZ'[first]}{rng.choice(('', '-'))}{number}{rng.choice(('', '-'))}{letter}"


def it_fiscal_code(rng: Rng) -> str:
    """Odd places count by the ministry's table, even ones by the alphabet."""
    year, month, day = a_date(rng)
    consonants = "BCDFGLMNPRSTVZ"
    body = "".join(rng.choices(consonants, k=6))
    body += f"{year % 100:02}{'ABCDEHLMPRST'[month - 1]}{day + rng.choice((0, 40)):02}"
    body += rng.choice("ABCDEFGHILMZ") + digits(rng, 3)
    odd = "BAKPLCQDREVOSFTGUHMINJWZYX"
    total = 0
    for place, each in enumerate(body, 1):
        value = int(each) if each.isdigit() else string.ascii_uppercase.index(each)
        total += odd.index(string.ascii_uppercase[value]) if place % 2 else value
    return body + string.ascii_uppercase[total % 26]


def nl_bsn(rng: Rng) -> str:
    """The eleven test."""
    body = str(rng.randint(1, 9)) + digits(rng, 7)
    check = sum(int(each) * weight for each, weight in zip(body, range(9, 1, -1), strict=True))
    return "" if check % 11 == 10 else one_of(rng, body + str(check % 11), "", "3 3 3", "4 2 3")


def pl_pesel(rng: Rng) -> str:
    """20 added to the month for those born since 2000."""
    year, month, day = a_date(rng)
    body = f"{year % 100:02}{month + 20 * (year >= 2000):02}{day:02}{digits(rng, 4)}"
    total = sum(
        int(each) * int(weight) for each, weight in zip(body, "1379137913", strict=True)
    )
    return body + str((10 - total % 10) % 10)


def br_cpf(rng: Rng) -> str:
    """Two digits, each mod 11."""
    body = digits(rng, 9)
    for start in (10, 11):
        rest = _mod11_descending(body, start)
        body += "0" if rest < 2 else str(11 - rest)
    return one_of(rng, body, "3.3.3-2", "", "3.3.3-2")


def br_cnpj(rng: Rng) -> str:
    """Two digits, weights 2 to 9 from the right."""
    body = digits(rng, 8) + "0001"
    for _ in range(2):
        rest = sum(int(each) * (2 + n % 8) for n, each in enumerate(reversed(body))) % 11
        body += "0" if rest < 2 else str(11 - rest)
    return one_of(rng, body, "2.3.3/4-2", "")


def in_aadhaar(rng: Rng) -> str:
    """Verhoeff, by the dihedral group's own arithmetic rather than its tables."""
    body = rng.choice("23456789") + digits(rng, 10)

    def times(a: int, b: int) -> int:
        turn = (a + b) % 5 if a < 5 else (a - b) % 5
        return turn + 5 * ((a < 5) != (b < 5))

    first = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

    def moved(value: int, place: int) -> int:
        for _ in range(place % 8):
            value = first[value]
        return value

    for check in string.digits:
        state = 0
        for place, each in enumerate(reversed(body + check)):
            state = times(state, moved(int(each), place))
        if state == 0:
            return one_of(rng, body + check, "4 4 4", "4-4-4")
    raise AssertionError("one of ten digits fits")


def in_pan(rng: Rng) -> str:
    """P: of a person."""
    letters = "".join(rng.choices(string.ascii_uppercase, k=3))
    return (
        f"{letters}P{rng.choice(string.ascii_uppercase)}{digits(rng, 4)}{rng.choice('ABCDKZ')}"
    )


def ca_sin(rng: Rng) -> str:
    """Luhn."""
    body = rng.choice("1234567") + digits(rng, 7)
    return one_of(rng, body + luhn_digit(body), "3 3 3", "3-3-3")


def au_tfn(rng: Rng) -> str:
    """Mod 11; found by trying."""
    number = digits(rng, 9)
    fits = sum(int(a) * w for a, w in zip(number, (1, 4, 3, 7, 5, 8, 6, 9, 10), strict=True))
    return one_of(rng, number, "3 3 3", "") if fits % 11 == 0 else ""


def au_abn(rng: Rng) -> str:
    """The two leading digits check the others."""
    body = digits(rng, 9)
    total = sum(int(each) * (3 + 2 * n) for n, each in enumerate(body))
    return one_of(rng, f"{10 + (89 - total % 89 - 0) % 89}{body}", "2 3 3 3", "")


def us_routing(rng: Rng) -> str:
    """The ninth digit completes the weighted sum to a multiple of 10."""
    body = f"{rng.randint(1, 12):02}{digits(rng, 6)}"
    a, b, c = (sum(int(each) for each in body[n::3]) for n in range(3))
    return body + str(-(3 * a + 7 * b + c) % 10)


def se_personal(rng: Rng) -> str:
    """Luhn over the ten digits."""
    year, month, day = a_date(rng)
    body = f"{year % 100:02}{month:02}{day:02}{digits(rng, 3)}"
    number = body + luhn_digit(body)
    return f"{number[:6]}-{number[6:]}"


def no_birth(rng: Rng) -> str:
    """Two digits, each mod 11; those that would be 10 are not given out."""
    year, month, day = a_date(rng)
    body = f"{day:02}{month:02}{year % 100:02}{digits(rng, 3)}"
    for weights in ("376189452", "5432765432"):
        total = sum(int(a) * int(b) for a, b in zip(body, weights, strict=True))
        check = (11 - total % 11) % 11
        if check == 10:
            return ""
        body += str(check)
    return one_of(rng, body, "6 5", "")


def be_national(rng: Rng) -> str:
    """97 less the rest by 97."""
    year, month, day = a_date(rng)
    body = f"{year % 100:02}{month:02}{day:02}{digits(rng, 3)}"
    check = 97 - int(f"{'2' if year >= 2000 else ''}{body}") % 97
    return written(f"{body}{check:02}", "2.2.2-3.2")


def ch_ahv(rng: Rng) -> str:
    """EAN-13."""
    body = "756" + digits(rng, 9)
    total = sum(int(each) * (1 + 2 * (n % 2)) for n, each in enumerate(body))
    return written(body + str(-total % 10), "3.4.4.2")


def tr_identity(rng: Rng) -> str:
    """The tenth digit by places, the eleventh by the sum."""
    body = rng.choice("123456789") + digits(rng, 8)
    tenth = (7 * sum(map(int, body[0::2])) + 9 * sum(map(int, body[1::2]))) % 10
    return f"{body}{tenth}{(sum(map(int, body)) + tenth) % 10}"


def za_identity(rng: Rng) -> str:
    """A date, four digits, citizenship, an 8, Luhn."""
    year, month, day = a_date(rng)
    body = f"{year % 100:02}{month:02}{day:02}{digits(rng, 4)}{rng.choice('01')}8"
    return body + luhn_digit(body)


def cn_resident(rng: Rng) -> str:
    """ISO 7064 mod 11-2 by powers of 2."""
    year, month, day = a_date(rng)
    body = (
        f"{rng.choice(('110101', '310104', '440305'))}{year}{month:02}{day:02}{digits(rng, 3)}"
    )
    total = sum(int(each) * pow(2, 17 - n, 11) for n, each in enumerate(body))
    return body + "0123456789X"[(12 - total) % 11]


def kr_resident(rng: Rng) -> str:
    """Weights 2 to 9, then 2 to 5."""
    year, month, day = a_date(rng)
    century = rng.choice("12") if year < 2000 else rng.choice("34")
    body = f"{year % 100:02}{month:02}{day:02}{century}{digits(rng, 5)}"
    total = sum(int(each) * (2 + n % 8) for n, each in enumerate(body))
    return written(body + str((11 - total % 11) % 10), "6-7")


def fi_hetu(rng: Rng) -> str:
    """A table of 31 characters."""
    year, month, day = a_date(rng)
    birth, serial = f"{day:02}{month:02}{year % 100:02}", f"{rng.randint(2, 899):03}"
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(birth + serial) % 31]
    return f"{birth}{'-' if year < 2000 else 'A'}{serial}{check}"


def cl_rut(rng: Rng) -> str:
    """Weights 2 to 7 from the right."""
    number = str(rng.randint(5_000_000, 25_000_000))
    total = sum(int(each) * (n % 6 + 2) for n, each in enumerate(reversed(number)))
    check = {10: "K", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
    return f"{int(number):,}-{check}".replace(",", ".")


MAKERS: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "email": (email, ("", "e-mail", "contact")),
    "card": (card, ("card", "credit card number", "Visa or whatever it is, my card")),
    "iban": (iban, ("", "IBAN", "account")),
    "us-ssn": (us_ssn, ("", "SSN", "social security number")),
    "ip": (ipv4, ("", "IP address", "host")),
    "ip6": (ipv6, ("", "IPv6", "server")),
    "mac": (mac, ("", "MAC", "device")),
    "bitcoin": (bitcoin, ("", "wallet", "BTC")),
    "ethereum": (ethereum, ("", "wallet", "ETH")),
    "uk-nhs": (uk_nhs, ("NHS number", "patient's NHS no", "NHS")),
    "uk-nino": (uk_nino, ("", "National Insurance number", "NINO")),
    "de-tax-id": (de_tax_id, ("", "Steuer-ID", "Steueridentifikationsnummer")),
    "fr-nir": (fr_nir, ("", "NIR", "numéro de sécurité sociale")),
    "es-dni": (es_dni, ("", "DNI", "documento nacional de identidad")),
    "es-nie": (es_nie, ("", "NIE", "NIE de extranjero")),
    "it-fiscal-code": (it_fiscal_code, ("", "codice fiscale", "CF")),
    "nl-bsn": (nl_bsn, ("BSN", "burgerservicenummer", "mijn BSN")),
    "pl-pesel": (pl_pesel, ("", "PESEL", "numer PESEL")),
    "br-cpf": (br_cpf, ("", "CPF", "CPF do contribuinte")),
    "br-cnpj": (br_cnpj, ("", "CNPJ", "CNPJ da empresa")),
    "in-aadhaar": (in_aadhaar, ("", "Aadhaar", "Aadhaar number")),
    "in-pan": (in_pan, ("", "PAN", "PAN card")),
    "ca-sin": (ca_sin, ("", "SIN", "social insurance number")),
    "au-tfn": (au_tfn, ("TFN", "tax file number", "my TFN")),
    "au-abn": (au_abn, ("ABN", "Australian business number", "our ABN")),
    "us-routing": (us_routing, ("routing number", "ABA", "ABA routing number")),
    "se-personal": (se_personal, ("", "personnummer", "svenskt personnummer")),
    "no-birth": (no_birth, ("", "fødselsnummer", "fnr")),
    "be-national": (be_national, ("", "rijksregisternummer", "registre national")),
    "ch-ahv": (ch_ahv, ("", "AHV-Nr", "AVS")),
    "tr-identity": (tr_identity, ("", "TC kimlik no", "kimlik no")),
    "za-identity": (za_identity, ("", "SA ID number", "South African ID")),
    "cn-resident": (cn_resident, ("", "身份证号", "resident identity card")),
    "kr-resident": (kr_resident, ("", "RRN", "resident registration number")),
    "fi-hetu": (fi_hetu, ("", "henkilötunnus", "hetu")),
    "cl-rut": (cl_rut, ("", "RUT", "RUT chileno")),
    "vin": (vin, ("", "VIN", "vehicle")),
}
"""How each kind is made, and what it is called around it; ``""``: by nothing."""
