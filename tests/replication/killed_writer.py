"""Kills a process that writes to two targets, lets another go on, looks; again.

``python -m tests.replication.killed_writer DIRECTORY ROUNDS SEED``

Two processes share the journal, each with names of its own, and each replays what both owe. One
is killed, at a random moment or at a named step; the other one then ends by itself. What was
acknowledged is at the primary; when what is owed was replayed, both targets hold the same.
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
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from skykeep.cloud import Cloud
from skykeep.errors import NotFound
from skykeep.journal.journal import SETTLES_AFTER, Journal
from skykeep.journal.replayer import Replayer
from skykeep.layers.home_write import HomeWrite
from tests.replication.clouds import clouds_in, held, quiet

NAMES = 4
"""Of each process: few, so that writes follow each other."""

GONE = "gone"
States = dict[str, str]
"""Name -> its value, or ``GONE``."""

STEPS: dict[str, tuple[type, str, str]] = {
    "before the journal": (Journal, "begin", "before"),
    "in the journal": (Journal, "begin", "after"),
    "at its home": (HomeWrite, "_acknowledged", "before"),
    "acknowledged": (HomeWrite, "_acknowledged", "after"),
    "brought": (Replayer, "_apply", "after"),
}
MOMENTS = (*STEPS, "any")


def die_at(step: str, count: int) -> None:
    """Let this process kill itself when it is there for the ``count``-th time."""
    of, method, when = STEPS[step]
    original: Callable[..., Awaitable[Any]] = getattr(of, method)
    left = itertools.count(count, -1)

    async def stepped(*args: Any, **kwargs: Any) -> Any:
        last = next(left) == 1
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await original(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(of, method, stepped)


async def write(
    directory: Path,
    who: str,
    states: States,
    dice: random.Random,
    pipes: tuple[int, int],
) -> None:
    """Write until the second pipe can be read; say to the first, before each write what is
    tried, and then that it is acknowledged."""
    out, end = pipes
    os.set_blocking(end, False)
    numbers = itertools.count(dice.randrange(10**12))
    async with clouds_in(directory, probe_seconds=0.01) as cloud:
        while True:
            try:
                os.read(end, 1)
                return
            except BlockingIOError:
                pass
            name = f"{who}/{dice.randrange(NAMES)}"
            there = states.get(name, GONE) != GONE
            state = GONE if there and dice.random() < 0.2 else str(next(numbers))
            os.write(out, f"try {name} {state}\n".encode())
            if state == GONE:
                await cloud.secrets.purge(name)
            else:
                await cloud.secrets.put(name, state)
            states[name] = state
            os.write(out, f"kept {name} {state}\n".encode())


class Writer:
    """One of the two processes, forked."""

    def __init__(
        self, directory: Path, who: str, states: States, dice: random.Random, step: str
    ) -> None:
        self._ear, mouth = os.pipe()
        stop, self._stop = os.pipe()
        count, seed = 1 + dice.randrange(8), dice.randrange(2**32)
        self.said = b""
        self.child = os.fork()
        if self.child == 0:
            if step in STEPS:
                die_at(step, count)
            own = random.Random(seed)
            asyncio.run(write(directory, who, dict(states), own, (mouth, stop)))
            os._exit(0)
        os.close(mouth)
        os.close(stop)

    def listen(self, acknowledged: int) -> bool:
        """Until it has acknowledged so many; False if it ended before."""
        while self.said.count(b"kept") < acknowledged:
            more = os.read(self._ear, 4096)
            if not more:
                return False
            self.said += more
        return True

    def end(self) -> int:
        """Let it end, hear it out; its exit code or minus its signal."""
        with suppress(BrokenPipeError):  # it has ended already
            os.write(self._stop, b".")
        while more := os.read(self._ear, 65536):
            self.said += more
        os.close(self._ear)
        os.close(self._stop)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def round_of(
    directory: Path, step: str, states: States, dice: random.Random
) -> tuple[dict[str, str], int]:
    """What was tried and not acknowledged, and how many writes were; ``states`` go on."""
    dying = Writer(directory, "dying", states, dice, step)
    other = Writer(directory, "other", states, dice, "")
    if step == "any":
        dying.listen(dice.randrange(12))
        time.sleep(dice.random() * dice.choice((0.0005, 0.005, 0.02)))
        os.kill(dying.child, signal.SIGKILL)
    else:
        dying.listen(10**9)
    if not other.listen(other.said.count(b"kept") + 2):
        raise SystemExit("the other process ended")
    codes = dying.end(), other.end()
    if codes != (-signal.SIGKILL, 0):
        raise SystemExit(f"the processes ended with {codes}, at {step!r}")
    tried: dict[str, str] = {}
    acknowledged = 0
    for line in (dying.said + other.said).decode().splitlines():
        word, name, state = line.split()
        if word == "try":
            tried[name] = state
        else:
            states[name] = tried.pop(name)
            acknowledged += 1
    return tried, acknowledged


async def look(directory: Path, states: States, tried: dict[str, str]) -> int:
    """Compare the targets with what was said, before and after the replay. Writes in doubt."""
    async with clouds_in(directory) as cloud:
        quiet(cloud)
        for name in {*states, *tried}:
            allowed = {states.get(name, GONE), tried.get(name, states.get(name, GONE))}
            if await value(cloud, name) not in allowed:
                raise SystemExit(f"{name} is not at one of {allowed} before the replay")
        journal = cloud._primary.stack.journal
        assert journal is not None
        doubt = sum(each.doubt for each in journal)
        ticks = journal.ticks
        journal.ticks = lambda: ticks() + SETTLES_AFTER + 1  # what was lost is taken for lost
        for _ in range(3):
            await cloud.replication.reconcile()
        if len(journal):
            raise SystemExit(f"{list(journal)} are left of the journal")
        for name in {*states, *tried}:
            allowed = {states.get(name, GONE), tried.get(name, states.get(name, GONE))}
            found = {each or GONE for each in await held(cloud, name)}
            if len(found) != 1 or not found <= allowed:
                raise SystemExit(f"{name} is {found} at the targets, not one of {allowed}")
            [states[name]] = found
    return doubt


async def value(cloud: Cloud, name: str) -> str:
    try:
        return (await cloud.secrets.get(name, fresh=True)).value.text()
    except NotFound:
        return GONE


def main() -> None:
    directory, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    dice = random.Random(seed)
    clouds_in(directory)  # makes the vaults
    states: States = {}
    told: Counter[str] = Counter()
    for number in range(rounds):
        step = MOMENTS[number % len(MOMENTS)]
        tried, acknowledged = round_of(directory, step, states, dice)
        told["acknowledged"] += acknowledged
        told["cut off"] += len(tried)
        told["in doubt"] += asyncio.run(look(directory, states, tried))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
