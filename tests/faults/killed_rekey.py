"""Forks a process that gives the vault new keys and kills itself at some moment; looks; again.

``python -m tests.faults.killed_rekey DIRECTORY ROUNDS SEED``

The moments are counted, not timed: each statement begun and each few hundred steps within
one is such a moment, on the connection to the vault and on that to the draft.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from skykeep.providers.local import draft, rekey, session
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import verify
from tests.faults.values import made_for, number_of
from tests.providers.local.vaults import Place, change, keep, listed, made, read

NAMES = [f"team-{number % 7}/db/secret-{number}" for number in range(600)]
STEPS = 400
"""Steps of SQLite's machine between two moments within a statement."""


class Moments:
    """Counts them; kills the process at one of them."""

    def __init__(self, last: int | None, *, packing: bool = False) -> None:
        self.count = 0
        self._last = last
        self._packing = packing

    def begun(self, statement: str) -> None:
        if statement == "VACUUM" and self._packing:
            self.count = 0
            self._packing = False
        self.one_more()

    def one_more(self) -> int:
        self.count += 1
        if self.count == self._last and not self._packing:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def connect(self, path: Path, **how: Any) -> sqlite3.Connection:
        connection = session.connect(path, **how)
        connection.set_trace_callback(self.begun)
        connection.set_progress_handler(self.one_more, STEPS)
        return connection


def run(place: Place, last: int | None, *, packing: bool = False) -> int:
    """Rekey and return how many moments that had; or be killed at one.

    ``packing``: they are counted from where the rows have been replaced.
    """
    moments = Moments(last, packing=packing)
    rekey.connect = draft.connect = moments.connect  # type: ignore[attr-defined]  # as imported there
    try:
        rekey.rekey(place.settings, place.context)
    finally:
        rekey.connect = draft.connect = session.connect  # type: ignore[attr-defined]  # as above
    return moments.count


def killed(place: Place, last: int, *, packing: bool) -> bool:
    """Whether the moment came before the run was done."""
    child = os.fork()
    if child == 0:
        run(place, last, packing=packing)
        os._exit(7)  # it was done before the moment came
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 7:
        raise SystemExit("the rekeying ended by itself")
    return os.WIFSIGNALED(status)


async def look(place: Place, states: dict[str, int], dice: random.Random) -> None:
    """All that was kept is there, and nothing else; then some of it is changed."""
    verify(place.path, unlock(read_header(place.path), place.settings, place.context))
    async with place.opened() as driver:
        for name, number in states.items():
            if number_of(name, await read(driver, name)) != number:
                raise SystemExit(f"{name} is not what it was")
        if sorted(await listed(driver)) != sorted(states):
            raise SystemExit("the listing does not fit the secrets")
        for name in dice.sample(NAMES, 5):
            number = dice.randrange(10_000)
            if name not in states:
                await keep(driver, name, made_for(name, number))
            elif dice.random() < 0.3:
                await driver.purge(name)
                del states[name]
                continue
            else:
                await change(driver, name, made_for(name, number))
            states[name] = number


async def fill(place: Place, states: dict[str, int]) -> None:
    async with place.opened() as driver:
        for name in NAMES:
            await keep(driver, name, made_for(name, 1))
            states[name] = 1


def main() -> None:
    directory, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    place = made(directory, keep_versions=3)
    dice = random.Random(seed)
    states: dict[str, int] = {}
    asyncio.run(fill(place, states))
    all_of_it = run(place, None)
    told: Counter[str] = Counter(moments=all_of_it)
    for _ in range(rounds):
        epoch = read_header(place.path).epoch
        packing = dice.random() < 0.2
        early = killed(place, dice.randrange(1, 60 if packing else all_of_it), packing=packing)
        after = read_header(place.path).epoch - epoch
        if after not in {0, 1}:
            raise SystemExit(f"the epoch went on by {after}")
        where = "after" if after else "before"
        told[f"killed {where} the swap" if early else "done"] += 1
        asyncio.run(look(place, states, dice))
    told["resumed"] = rekey.rekey(place.settings, place.context).resumed
    asyncio.run(look(place, states, dice))
    if draft.draft_path(place.path).exists():
        raise SystemExit("a draft is left")
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
