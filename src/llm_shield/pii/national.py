"""Numbers that states and registers give to people, by country: what fits and what does not.

The rules are those that the issuing authorities publish. Each takes digits without separators.
"""

from __future__ import annotations

from collections import Counter

from llm_shield.pii.checksums import luhn, mod11_2, mod11_10, one_digit_only, weighted
from llm_shield.pii.dates import in_some_century, is_date


def us_ssn(digits: str) -> bool:
    """Social Security Administration, POMS RM 10201.035: no area 000, 666 or 9xx, no group 00,
    no serial 0000."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"


def us_itin(digits: str) -> bool:
    """IRS, Internal Revenue Manual 3.21.263: 9xx, and the groups that were given out."""
    group = int(digits[3:5])
    return (
        digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 99) and group not in {89, 93}
    )


def us_routing(digits: str) -> bool:
    """American Bankers Association: weights 3, 7, 1; the Federal Reserve's districts."""
    district = int(digits[:2])
    known = 1 <= district <= 12 or 21 <= district <= 32 or 61 <= district <= 72
    return (known or district == 80) and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def us_npi(digits: str) -> bool:
    """CMS: Luhn behind the prefix 80840; individuals and organisations begin with 1 or 2."""
    return digits[0] in "12" and luhn("80840" + digits)


def uk_nhs(digits: str) -> bool:
    """NHS Data Dictionary: weights 10 to 2, mod 11; a check of 10 is not given out."""
    check = (11 - weighted(digits[:9], range(10, 1, -1)) % 11) % 11
    return check == int(digits[9]) and not one_digit_only(digits)


def de_tax_id(digits: str) -> bool:
    """Bundeszentralamt für Steuern: ISO 7064 mod 11-10; of the first ten digits one is there
    twice or three times, the others at most once."""
    if digits[0] == "0" or not mod11_10(digits):
        return False
    counts = sorted(Counter(digits[:10]).values(), reverse=True)
    return counts[0] in {2, 3} and counts[1] == 1


def fr_nir(digits: str) -> bool:
    """INSEE: 97 less the rest of the first 13 digits by 97; Corsica's 2A and 2B count as 19
    and 18 (callers put them in)."""
    month = int(digits[3:5])
    if digits[0] not in "123478" or not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def nl_bsn(digits: str) -> bool:
    """Rijksdienst voor Identiteitsgegevens: weights 9 to 2, then -1, mod 11."""
    digits = digits.zfill(9)
    total = weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1))
    return total % 11 == 0 and not one_digit_only(digits)


def pl_pesel(digits: str) -> bool:
    """Ministry of Digital Affairs: weights 1, 3, 7, 9; the month says the century."""
    century, month = divmod(int(digits[2:4]), 20)
    years = (1900, 2000, 2100, 2200, 1800)
    if not is_date(years[century] + int(digits[:2]), month, int(digits[4:6])):
        return False
    return weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _brazilian(digits: str, weights: tuple[int, ...]) -> bool:
    rest = weighted(digits[: len(weights)], weights) % 11
    return int(digits[len(weights)]) == (0 if rest < 2 else 11 - rest)


def br_cpf(digits: str) -> bool:
    """Receita Federal: two digits, mod 11."""
    first = tuple(range(10, 1, -1))
    return (
        not one_digit_only(digits)
        and _brazilian(digits, first)
        and _brazilian(digits, (11, *first))
    )


def br_cnpj(digits: str) -> bool:
    """Receita Federal: two digits, mod 11."""
    first = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return (
        not one_digit_only(digits)
        and _brazilian(digits, first)
        and _brazilian(digits, (6, *first))
    )


def ca_sin(digits: str) -> bool:
    """Employment and Social Development Canada: Luhn; none begins with 0 or 8."""
    return digits[0] not in "08" and luhn(digits)


def au_tfn(digits: str) -> bool:
    """Australian Taxation Office: weights 1, 4, 3, 7, 5, 8, 6, 9, 10, mod 11."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and not one_digit_only(
        digits
    )


def au_abn(digits: str) -> bool:
    """Australian Business Register: 1 taken from the first digit, then mod 89."""
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    return digits[0] != "0" and (weighted(digits, weights) - 10) % 89 == 0


def au_medicare(digits: str) -> bool:
    """Services Australia: the ninth digit checks the eight before it."""
    check = weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10
    return digits[0] in "23456" and check == int(digits[8])


def se_personal(digits: str) -> bool:
    """Skatteverket: Luhn over ten digits; the day has 60 added in a coordination number."""
    ten = digits[-10:]
    day = int(ten[4:6])
    return luhn(ten) and in_some_century(int(ten[:2]), int(ten[2:4]), day - 60 * (day > 60))


def dk_cpr(digits: str) -> bool:
    """CPR-kontoret: day, month, year; numbers since 2007 have no check digit."""
    return in_some_century(int(digits[4:6]), int(digits[2:4]), int(digits[:2]))


def no_birth(digits: str) -> bool:
    """Skatteetaten: two digits, mod 11; the day has 40 added in a D number."""
    day = int(digits[:2])
    if not in_some_century(int(digits[4:6]), int(digits[2:4]), day - 40 * (day > 40)):
        return False
    first = weighted(digits[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return first == 0 and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def be_national(digits: str) -> bool:
    """Rijksregister: 97 less the rest by 97, with a 2 in front for those born since 2000."""
    if int(digits[2:4]) % 20 > 12 or int(digits[4:6]) > 31:
        return False
    check = int(digits[9:])
    return check in {97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97}


def ch_ahv(digits: str) -> bool:
    """ZAS: 756 and EAN-13's check."""
    return digits.startswith("756") and weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def pt_nif(digits: str) -> bool:
    """Autoridade Tributária: weights 9 to 2, mod 11; persons' numbers begin with 1, 2 or 3."""
    check = 11 - weighted(digits[:8], range(9, 1, -1)) % 11
    return digits[0] in "123" and int(digits[8]) == (0 if check > 9 else check)


def tr_identity(digits: str) -> bool:
    """General Directorate of Civil Registration and Nationality: two check digits."""
    each = [int(digit) for digit in digits]
    tenth = (sum(each[:9:2]) * 7 - sum(each[1:8:2])) % 10
    return each[0] != 0 and each[9] == tenth and sum(each[:10]) % 10 == each[10]


def kr_resident(digits: str) -> bool:
    """Ministry of the Interior and Safety: weights 2 to 9 and again, mod 11. Numbers given
    out since October 2020 end in random digits, and are only found with words around them."""
    check = (11 - weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return (
        in_some_century(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
        and digits[6] in "12345678"
        and check == int(digits[12])
    )


def za_identity(digits: str) -> bool:
    """Department of Home Affairs: a date, citizenship 0 or 1 (2 for refugees), Luhn."""
    return (
        digits[10] in "012"
        and in_some_century(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
        and luhn(digits)
    )


def cn_resident(characters: str) -> bool:
    """GB 11643-1999: a region, a date, ISO 7064 mod 11-2."""
    digits = characters[:17]
    date = (int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    return (
        digits[0] in "12345678"
        and 1880 <= date[0] <= 2100
        and is_date(*date)
        and mod11_2(characters)
    )


def jp_my_number(digits: str) -> bool:
    """Order 85 of 2014 of the Ministry of Internal Affairs, article 5: mod 11."""
    rest = weighted(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest) and not one_digit_only(digits)


def il_identity(digits: str) -> bool:
    """Population and Immigration Authority: Luhn over nine digits."""
    return luhn(digits) and not one_digit_only(digits)


def th_identity(digits: str) -> bool:
    """Department of Provincial Administration: weights 13 to 2, mod 11."""
    check = (11 - weighted(digits[:12], range(13, 1, -1)) % 11) % 10
    return digits[0] in "12345678" and check == int(digits[12])


def ro_cnp(digits: str) -> bool:
    """Law 105/1996: a date, weights 279146358279, mod 11."""
    rest = weighted(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (
        digits[0] != "0"
        and in_some_century(int(digits[1:3]), int(digits[3:5]), int(digits[5:7]))
        and int(digits[12]) == (1 if rest == 10 else rest)
    )


def hr_oib(digits: str) -> bool:
    """Porezna uprava: ISO 7064 mod 11-10."""
    return mod11_10(digits)


def cz_birth(digits: str) -> bool:
    """Act 133/2000: a date (50 added to the month for women, 20 to either), and all ten digits
    are divisible by 11; nine digits, before 1954, have no check."""
    month = int(digits[2:4]) % 50
    fits = in_some_century(int(digits[:2]), month - 20 * (month > 20), int(digits[4:6]))
    rest = int(digits[:9]) % 11 % 10
    return fits and (len(digits) == 9 or rest == int(digits[9]))


def ar_cuit(digits: str) -> bool:
    """AFIP: weights 5432765432, mod 11; the first two digits say what it is."""
    known = digits[:2] in {"20", "23", "24", "25", "26", "27", "30", "33", "34"}
    check = (11 - weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return known and check == int(digits[10])
