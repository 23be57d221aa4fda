"""A process that forks while it writes to two targets.

``python -m tests.replication.forking DIRECTORY CASE``
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from skykeep.cloud import Cloud
from tests.faults.forking import ended_well, in_child
from tests.replication.clouds import clouds_in, held, settled
from tests.replication.fleet import until


async def write(cloud: Cloud, who: str, count: int = 20) -> None:
    """Under names of its own and under one that all write."""
    for number in range(count):
        await cloud.secrets.put(f"{who}/{number}", f"{who} {number}")
        await cloud.secrets.put("shared", f"{who} {number}")


async def both_go_on(directory: Path) -> None:
    """With the replay under way in the parent; the child's own loop replays, too."""
    async with clouds_in(directory, probe_seconds=0.01) as cloud:
        await write(cloud, "before", 3)

        async def work() -> None:
            await write(cloud, "child")
            await settled(cloud)

        child = in_child(lambda: asyncio.run(work()))
        await write(cloud, "parent")
        await asyncio.to_thread(ended_well, child)
        await settled(cloud)
        for who in ("parent", "child"):
            for number in range(20):
                found = await held(cloud, f"{who}/{number}")
                if found != [f"{who} {number}"] * 2:
                    raise SystemExit(f"{who}/{number} is {found}")
        one, other = await held(cloud, "shared")
        if one != other or one not in {"parent 19", "child 19"}:
            raise SystemExit(f"shared is {one!r} and {other!r}")


async def while_a_write_is_under_way(directory: Path) -> None:
    """The parent's first write asks for the key of digests and holds its name: neither is the
    child's."""
    async with clouds_in(directory) as cloud:
        writing = asyncio.create_task(cloud.secrets.put("a", "parent"))
        forks = 0
        while not writing.done():
            forks += 1
            who = f"child-{forks}"
            child = in_child(partial(_run, cloud, who))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.to_thread(ended_well, child)
        if not forks:
            raise SystemExit("no fork met the write")
        await settled(cloud)
        if await held(cloud, "a") != ["parent"] * 2:
            raise SystemExit("the parent's write is lost")


async def the_child_replays(directory: Path) -> None:
    """By itself: its parent does nothing until it has ended."""
    async with clouds_in(directory, probe_seconds=0.01) as cloud:
        await write(cloud, "before", 1)
        await settled(cloud)

        async def work() -> None:
            await write(cloud, "child", 1)
            async with asyncio.timeout(60):
                await until(lambda: not cloud.replication.owed())

        ended_well(in_child(lambda: asyncio.run(work())))
        if await held(cloud, "child/0") != ["child 0"] * 2:
            raise SystemExit("the child left what it owed")


def _run(cloud: Cloud, who: str) -> None:
    asyncio.run(write(cloud, who, 2))


CASES = {
    case.__name__: case for case in (both_go_on, the_child_replays, while_a_write_is_under_way)
}


def main() -> None:
    asyncio.run(CASES[sys.argv[2]](Path(sys.argv[1])))
    sys.stdout.write(json.dumps({"case": sys.argv[2]}) + "\n")


if __name__ == "__main__":
    main()
