"""Values that prove of themselves whether they are whole."""

from __future__ import annotations

import hashlib
import random


def made_for(name: str, number: int) -> bytes:
    """The value number ``number`` of the name: up to 12,000 bytes, the same each time."""
    seed = f"{name}:{number}"
    dice = random.Random(seed)
    body = seed.encode() + b":" + dice.randbytes(dice.choice((10, 200, 3000, 12_000)))
    return body + hashlib.sha256(body).digest()


def number_of(name: str, value: bytes) -> int:
    """Which value of the name it is. Raises ``ValueError`` if it is none or not whole."""
    body, digest = value[:-32], value[-32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError(f"half a value of {name}")
    whose, number, _ = body.split(b":", 2)
    if whose.decode() != name:
        raise ValueError(f"{name} has a value of {whose!r}")
    return int(number)
