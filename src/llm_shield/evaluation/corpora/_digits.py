"""What makers of identifiers share: random digits, the ways they are written, check digits."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

Rng = random.Random
Maker = Callable[[Rng], str]


def digits(rng: Rng, count: int) -> str:
    """Random ones."""
    return "".join(rng.choices(string.digits, k=count))


def written(text: str, shape: str) -> str:
    """``123456789`` in the shape ``3-2-4``: ``123-45-6789``."""
    out, at, number = "", 0, ""
    for each in f"{shape}|":
        if each.isdigit():
            number += each
        else:
            out += text[at : at + int(number)] + each
            at, number = at + int(number), ""
    return out[:-1]


def one_of(rng: Rng, text: str, *shapes: str) -> str:
    """In one of the shapes; ``""`` is without separators."""
    shape = rng.choice(shapes)
    return written(text, shape) if shape else text


def luhn_digit(body: str) -> str:
    """ISO/IEC 7812-1, annex B, as a sum of the digits of the products."""
    products = "".join(str(int(each) * (2 - n % 2)) for n, each in enumerate(reversed(body)))
    return str(-sum(map(int, products)) % 10)


def mod11_10_digit(body: str) -> str:
    """ISO/IEC 7064, by trying: the digit for which the recurrence ends at 1."""
    for check in string.digits:
        state = 10
        for each in body:
            state = state + int(each)
            state = (state % 10 or 10) * 2 % 11
        if (state + int(check)) % 10 == 1:
            return check
    raise AssertionError("one of ten digits fits")


def a_date(rng: Rng) -> tuple[int, int, int]:
    """A day that there was, 1940 to 2009."""
    return rng.randint(1940, 2009), rng.randint(1, 12), rng.randint(1, 28)


def until(make: Maker, rng: Rng) -> str:
    """The first that is one: makers give ``""`` where a number has no check digit."""
    while True:
        made = make(rng)
        if made:
            return made
