"""What looks like personal data and is none: numbers of things, code, logs; with a seed."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator

from llm_shield.evaluation.corpora._digits import digits
from llm_shield.evaluation.corpus import Case

SCANNER = "Sensitive"
SOURCE = (
    "Generated with seed 20261125: 24 sorts of texts with numbers of things, 25 of each; "
    "sentences are our own."
)
LICENCE = "Apache-2.0, as this repository."
SPLIT = "All of it is for testing."
SETTINGS = {"names": "off", "language": "en"}

PER_SORT = 25

Rng = random.Random


def _hex(rng: Rng, count: int) -> str:
    return rng.randbytes(count).hex()


def _uuid(rng: Rng) -> str:
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))


def _clock(rng: Rng) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"


def _day(rng: Rng) -> str:
    return f"{rng.randint(2015, 2026)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _version(rng: Rng, parts: int) -> str:
    return ".".join(str(rng.randint(0, 30)) for _ in range(parts))


def _isbn(rng: Rng) -> str:
    body = "978" + digits(rng, 9)
    total = sum(int(each) * (1 + 2 * (n % 2)) for n, each in enumerate(body))
    return body + str(-total % 10)


SORTS: dict[str, Callable[[Rng], str]] = {
    "order": lambda r: f"Your order {digits(r, r.randint(7, 12))} was shipped on {_day(r)}.",
    "invoice": lambda r: (
        f"Invoice no. {r.randint(2015, 2026)}-{digits(r, 6)} is due in 30 days."
    ),
    "tracking": lambda r: f"Tracking number: 1Z{_hex(r, 3).upper()}{digits(r, 10)}",
    "version": lambda r: f"Upgrade from version {_version(r, 4)} to {_version(r, 3)} first.",
    "requirement": lambda r: f"package-a=={_version(r, 3)}\npackage-b>={_version(r, 4)}",
    "agent": lambda r: f"X11 Chrome/{r.randint(90, 130)}.0.{digits(r, 4)}.{digits(r, 2)}",
    "uuid": lambda r: f"The request {_uuid(r)} failed; the one before was {_uuid(r)}.",
    "hash": lambda r: f"sha256:{hashlib.sha256(r.randbytes(8)).hexdigest()}",
    "commit": lambda r: f"Fixed in {_hex(r, 20)} (and {_hex(r, 4)[:7]}).",
    "epoch": lambda r: (
        f'{{"ts": {r.randint(10**9, 2 * 10**9)}, "ms": {r.randint(10**12, 2 * 10**12)}}}'
    ),
    "log": lambda r: (
        f"{_day(r)}T{_clock(r)}.{digits(r, 3)}Z INFO worker[{digits(r, 5)}] "
        f"done in {digits(r, 4)} ms"
    ),
    "part": lambda r: (
        f"Part no. {digits(r, 3)}-{digits(r, 4)}-{digits(r, 3)}, 40 pieces in stock."
    ),
    "isbn": lambda r: f"See ISBN {_isbn(r)}, chapter {r.randint(1, 20)}.",
    "money": lambda r: (
        f"Revenue rose from ${r.randint(1, 999)},{digits(r, 3)},{digits(r, 3)} "
        f"to ${r.randint(1, 9)}.{digits(r, 2)} billion."
    ),
    "decimal": lambda r: f"The result is {r.random() * 100:.12f} against {r.random():.9f}.",
    "range": lambda r: (
        f"From {r.randint(1900, 1950)}-{r.randint(1951, 2020)}, "
        f"on pages {r.randint(10, 99)}-{r.randint(100, 400)}."
    ),
    "code": lambda r: (
        f"for (i = {digits(r, 4)}; i < {digits(r, 6)}; i++) buffer[i] = 0x{_hex(r, 4)};"
    ),
    "matrix": lambda r: "\n".join(
        " ".join(str(r.randint(0, 99)) for _ in range(8)) for _ in range(4)
    ),
    "decorator": lambda r: (
        f"@app.route('/v{r.randint(1, 3)}')\n"
        f"def index_{digits(r, 2)}(): return x@y + {digits(r, 3)}"
    ),
    "score": lambda r: (
        f"They won {r.randint(1, 9)}-{r.randint(0, 9)} in "
        f"{r.randint(1950, 2020)}; 5 Main Points follow."
    ),
    "time": lambda r: (
        f"The meeting is at {_clock(r)[:5]} on {_day(r)}, for {r.randint(10, 90)} minutes."
    ),
    "coordinates": lambda r: (
        f"The site lies at {r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}."
    ),
    "netmask": lambda r: (
        f"Bind to 0.0.0.0:{digits(r, 4)} with mask 255.255.255.0, not to 127.0.0.1."
    ),
    "random": lambda r: (
        f"Take {digits(r, r.randint(8, 16))} as the seed and {digits(r, 9)} as the salt."
    ),
}
"""One text of each sort."""


def cases() -> Iterator[Case]:
    """``PER_SORT`` of each sort, the same ones each time."""
    rng = random.Random(20261125)  # noqa: S311  (repeats a corpus; protects nothing)
    for sort, make in SORTS.items():
        for _ in range(PER_SORT):
            yield Case(make(rng), False, sort)
