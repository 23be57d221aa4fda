"""Secrets and Regex: microseconds a text, and detect-secrets on the same texts in the same run.

    python -m bench.shield_secrets

llm-guard's Secrets scanner is detect-secrets: it writes a prompt into a file and scans that
with all plug-ins. So does this, with those that detect-secrets brings; llm-guard adds about a
hundred of its own, which would make it slower. Both sides look at each text with warm caches;
the least of several rounds counts, one thread each.
"""

from __future__ import annotations

import asyncio
import random
import string
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, cast

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

from llm_shield.scanner import Resources
from llm_shield.scanners.regex import Regex, RegexSettings
from llm_shield.scanners.secrets import Secrets, SecretsSettings
from llm_shield.text import Text

ROUNDS = 25

TALK = (
    "Please summarise the following email for my manager, and keep the tone friendly. The "
    "quarterly figures are better than last year's, and the team wants to celebrate on Friday. "
)
WORK = (
    "Our API returns a token that expires after an hour; the key question is who may use it. "
    "See https://example.com/guide?page=2&lang=en for the author's notes.\n"
    "def handler(request, secret=None):\n    return request.headers.get('X-Trace-Id', 'none')\n"
)


def texts() -> dict[str, str]:
    """What is scanned: talk, work on code, and the same with three made-up secrets."""
    source = random.Random(2)

    def token(count: int) -> str:
        return "".join(source.choices(string.ascii_letters + string.digits, k=count))

    made: dict[str, str] = {}
    for size in (1_024, 10_240):
        name = f"{size // 1024} KB"
        made[f"talk, {name}"] = (TALK * (size // len(TALK) + 1))[:size]
        work = (WORK * (size // len(WORK) + 1))[:size]
        made[f"work, {name}"] = work
        secrets = f"\nghp_{token(36)}\napi_key = '{token(32)}'\nDB_PASSWORD={token(14)}\n"
        middle = size // 2
        made[f"work with 3 secrets, {name}"] = work[:middle] + secrets + work[middle:]
    return made


def microseconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The least of the rounds, each long enough for the clock."""
    started = time.perf_counter()
    call()
    once = time.perf_counter() - started
    count = max(1, int(0.01 / max(once, 1e-7)))
    best = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(count):
            call()
        best.append((time.perf_counter() - started) / count)
    return min(best) * 1e6


def main() -> None:
    resources = cast("Resources", None)  # patterns need none
    started = time.perf_counter()
    secrets = Secrets(SecretsSettings(), resources)
    asyncio.run(secrets.load())
    print(f"made in {(time.perf_counter() - started) * 1e3:.0f} ms")
    patterns = {f"pattern{at}": rf"\bPRJ{at}-[0-9]{{4,8}}\b" for at in range(10)}
    regex = Regex(RegexSettings(patterns=patterns), resources)

    heads = (
        f"{'Secrets, µs':>12} {'detect-secrets, µs':>19} {'ratio':>7} {'Regex (10), µs':>15}"
    )
    print(f"{'text':28} {heads}")
    ratios = []
    for name, text in texts().items():
        prepared = Text(text)
        _ = prepared.normal, prepared.decoded  # shared by all scanners: not their time
        ours = microseconds(partial(secrets.verdict, prepared))
        theirs = microseconds(partial(detected, text), rounds=3)
        mine = microseconds(partial(regex.verdict, prepared))
        ratios.append(theirs / ours)
        print(f"{name:28} {ours:12.1f} {theirs:19.0f} {theirs / ours:6.0f}x {mine:15.1f}")
    print(f"ratio: least {min(ratios):.0f}, median {median(ratios):.0f}")


def detected(text: str) -> Any:
    """As llm-guard asks it: a file, all plug-ins."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as stream:
        stream.write(text)
        stream.flush()
        with default_settings():
            collection = SecretsCollection()
            collection.scan_file(str(Path(stream.name)))
            return collection


if __name__ == "__main__":
    main()
