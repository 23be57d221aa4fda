"""Known values in a stream and in files: bytes a second, for 10,000 values."""

from __future__ import annotations

import random
import re
import string
import time
from collections.abc import Callable, Iterator
from functools import partial

from bench.measure import in_turns
from skykeep.apps.cli.findings import Search
from skykeep.apps.cli.scan_sources import Piece
from skykeep.redaction import Redactor

VALUES = 10_000
LENGTHS = {"32 bytes": (32, 32), "15 to 22 bytes": (15, 22)}
"""The usual generated value, and the shorter ones, which are searched for in smaller steps."""

SIZE = 32_000_000  # bytes of text
SLOW = 20_000  # bytes for the rival, which would take minutes for all
CHUNK = 1 << 20  # as `redact` reads

_LETTERS = string.ascii_letters + string.digits
_WORDS = """
request response user session order payment failed accepted retry timeout cache worker queue
message database connection from with after before while handling the service reached limit
returned index shard replica leader elected token refreshed
"""


def values(shortest: int, longest: int) -> list[bytes]:
    """Random ones, as made by `set --generate`; lengths in bytes."""
    rng = random.Random(1)
    return [
        "".join(rng.choices(_LETTERS, k=rng.randint(shortest, longest))).encode()
        for _ in range(VALUES)
    ]


def log() -> bytes:
    """Lines of a log: words, numbers, an identifier each; no value."""
    rng = random.Random(2)
    words = re.findall(r"\w+", _WORDS)
    lines = []
    for _ in range(20_000):
        said = " ".join(rng.choices(words, k=rng.randint(6, 16)))
        request = "".join(rng.choices(_LETTERS, k=22))
        lines.append(
            f"2026-11-22T02:{rng.randint(0, 59):02}:{rng.random() * 60:06.3f}Z INFO {said} "
            f"id={request} status={rng.randint(200, 599)} took={rng.random() * 1000:.1f}ms"
        )
    some = ("\n".join(lines) + "\n").encode()
    return (some * (SIZE // len(some) + 1))[:SIZE]


def _per_100_mb(work: Callable[[bytes], object], data: bytes) -> float:
    """Milliseconds of one core: what else runs on the machine does not count."""
    begun = time.process_time()
    work(data)
    return (time.process_time() - begun) * 1e3 * 100e6 / len(data)


def measured() -> dict[tuple[str, str], float]:
    """Milliseconds for 100 MB, by who does it and the lengths of the values."""
    text = log()
    rivals: dict[tuple[str, str], Callable[[], float]] = {}
    for lengths, (shortest, longest) in LENGTHS.items():
        for who, work, size in _searches(values(shortest, longest)):
            rivals[who, lengths] = partial(_per_100_mb, work, text[:size])
    return in_turns(rivals, rounds=3)


def _searches(known: list[bytes]) -> Iterator[tuple[str, Callable[[bytes], object], int]]:
    """Who looks for the values, how, and in how many bytes."""
    redactor = Redactor(known)
    search = Search(shapes=True)
    search.know((value, f"n{n}") for n, value in enumerate(known))
    prepared = search.prepare()
    rival = re.compile(b"|".join(map(re.escape, known)))

    def stream(data: bytes) -> None:
        for at in range(0, len(data), CHUNK):
            redactor.feed(data[at : at + CHUNK])
        redactor.flush()

    def scan(data: bytes) -> None:
        assert list(prepared.look(Piece("log", 1, data, len(data)))) == []

    yield "redact", stream, SIZE
    yield "scan", scan, SIZE
    yield "re", partial(rival.sub, b"***"), SLOW
