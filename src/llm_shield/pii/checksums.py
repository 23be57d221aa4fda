"""Check digits. Each function takes what is left without separators and says whether it fits.

Sources: ISO/IEC 7064 (mod 97-10, mod 11-10, mod 11-2), ISO/IEC 7812-1 annex B (Luhn), Verhoeff
1969, and the issuing authority's own description for the weighted sums, named at each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Check = Callable[[str], bool]

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right is doubled; the sum ends in 0."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(each)] for each in digits[-2::-2])
    return total % 10 == 0


def mod97(characters: str) -> bool:
    """ISO/IEC 7064 mod 97-10 over digits and letters (A is 10): the rest is 1."""
    return int("".join(str(int(each, 36)) for each in characters)) % 97 == 1


def mod11_10(digits: str) -> bool:
    """ISO/IEC 7064 mod 11-10, a hybrid system: the last digit checks the others."""
    check = 10
    for each in digits[:-1]:
        check = ((check + int(each)) % 10 or 10) * 2 % 11
    return (check + int(digits[-1])) % 10 == 1


def mod11_2(characters: str) -> bool:
    """ISO/IEC 7064 mod 11-2, whose check character 10 is written X."""
    check = 0
    for each in characters[:-1]:
        check = (check + int(each)) * 2 % 11
    last = 10 if characters[-1] in "Xx" else int(characters[-1])
    return (check + last) % 11 == 1


_VERHOEFF_TURN = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_VERHOEFF_TIMES = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)


def verhoeff(digits: str) -> bool:
    """Verhoeff's check in the dihedral group D5."""
    check = 0
    for place, each in enumerate(reversed(digits)):
        turned = int(_VERHOEFF_TURN[place % 8][int(each)])
        check = int(_VERHOEFF_TIMES[check][turned])
    return check == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of digits times weights, as many as there are of the shorter."""
    return sum(int(each) * weight for each, weight in zip(digits, weights, strict=False))


def one_digit_only(digits: str) -> bool:
    """``000000000``: fits many sums, and is nobody's."""
    return digits == digits[0] * len(digits)


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE = {each: value for value, each in enumerate(_BASE58)}


def base58check(characters: str) -> bytes | None:
    """What base58check carries (version byte first), or None where its check does not fit."""
    import hashlib

    number = 0
    for each in characters:
        value = _BASE58_VALUE.get(each)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(characters) - len(characters.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = raw[:-4], raw[-4:]
    if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] != check:
        return None
    return body


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUE = {each: value for value, each in enumerate(_BECH32)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def bech32(address: str) -> bool:
    """BIP 173 and, from witness version 1 on, BIP 350; lower or upper case, not both."""
    if address not in {address.lower(), address.upper()}:
        return False
    prefix, _, data = address.lower().rpartition("1")
    if not prefix or any(each not in _BECH32_VALUE for each in data):
        return False
    values = [_BECH32_VALUE[each] for each in data]
    expanded = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    check = 1
    for value in expanded + values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check == (1 if values[0] == 0 else 0x2BC830A3)
