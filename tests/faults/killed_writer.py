"""Forks a process that writes and prints what was acknowledged, kills it, looks; again.

``python -m tests.faults.killed_writer DIRECTORY ROUNDS SEED``
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from skykeep.errors import NotFound
from tests.faults.values import made_for, number_of
from tests.providers.local.vaults import Place, change, keep, listed, made, read

NAMES = [f"team-{number % 3}/db/secret-{number}" for number in range(12)]
WRITERS = 3
GONE = -1
"""The state of a name that was purged or never made; else the number of its value."""


async def write(place: Place, states: dict[str, int], seed: int, out: int) -> None:
    """Write for ever; say before each write what is tried, and after it that it is kept.

    Several at a time, each with names of its own, so that some share a commit.
    """
    numbers = itertools.count(max(states.values(), default=0) + 1)
    async with place.opened() as driver:

        async def keep_writing(names: list[str], dice: random.Random) -> None:
            while True:
                name, number = dice.choice(names), next(numbers)
                gone = states.get(name, GONE) == GONE
                purge = not gone and dice.random() < 0.1
                state = GONE if purge else number
                os.write(out, f"try {name} {state}\n".encode())
                if purge:
                    await driver.purge(name)
                else:
                    await (keep if gone else change)(driver, name, made_for(name, number))
                states[name] = state
                os.write(out, f"kept {name} {state}\n".encode())

        await asyncio.gather(
            *(
                keep_writing(NAMES[one::WRITERS], random.Random(seed + one))
                for one in range(WRITERS)
            )
        )


def killed(place: Place, states: dict[str, int], dice: random.Random) -> list[str]:
    """What a writing process said until it was killed at some moment."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        asyncio.run(write(place, dict(states), dice.randrange(2**32), mouth))
        os._exit(1)
    os.close(mouth)
    after = dice.randrange(80)  # acknowledgements; then up to a few milliseconds more
    said = b""
    while said.count(b"kept") < after:
        said += os.read(ear, 4096)
    time.sleep(dice.random() * dice.choice((0.0002, 0.002, 0.006)))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit("the writer ended by itself")
    while more := os.read(ear, 65536):
        said += more
    os.close(ear)
    return said.decode().splitlines()


async def look(place: Place, states: dict[str, int], tried: dict[str, int]) -> None:
    """Compare the vault with what was said, and take over what it has."""
    async with place.opened() as driver:
        for name in NAMES:
            allowed = {states.get(name, GONE)}
            if name in tried:
                allowed.add(tried[name])
            try:
                found = number_of(name, await read(driver, name))
            except NotFound:
                found = GONE
            if found not in allowed:
                raise SystemExit(f"{name} is at {found}, not at one of {allowed}")
            states[name] = found
        kept = sorted(name for name, state in states.items() if state != GONE)
        by_prefix = [name for team in range(3) for name in await listed(driver, f"team-{team}")]
        if sorted(await listed(driver, limit=5)) != kept or sorted(by_prefix) != kept:
            raise SystemExit("the listing does not fit the secrets")
        for name in kept:
            for version in await driver.versions(name):
                number_of(name, (await driver.get(name, version=version.id)).value.reveal())


def main() -> None:
    directory, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    place = made(directory, keep_versions=3)
    dice = random.Random(seed)
    states: dict[str, int] = {}
    acknowledged = doubtful = 0
    for _ in range(rounds):
        tried: dict[str, int] = {}
        for line in killed(place, states, dice):
            word, name, state = line.split()
            if word == "try":
                tried[name] = int(state)
            else:
                states[name] = tried.pop(name)
                acknowledged += 1
        doubtful += len(tried)
        asyncio.run(look(place, states, tried))
    sys.stdout.write(json.dumps({"acknowledged": acknowledged, "in doubt": doubtful}) + "\n")


if __name__ == "__main__":
    main()
