"""The application of docs/guides/outage.md: it reads three secrets every second.

It logs when they come from somewhere else than before. A line ``keep NAME VALUE`` on standard
input is what a job of its own would do now and then. It ends when standard input does.
"""

from __future__ import annotations

import asyncio
import logging
import sys

import skykeep

NAMES = ("db/password", "db/user", "mail/token")
EVERY = 1.0

logger = logging.getLogger("shop")


async def main() -> None:
    logging.basicConfig(format="%(levelname)-7s %(name)s: %(message)s")
    logger.setLevel(logging.INFO)
    async with skykeep.open() as cloud:
        reading = asyncio.create_task(read(cloud))
        try:
            await obey(cloud)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def read(cloud: skykeep.Cloud) -> None:
    """Read all of them, again and again."""
    before = ""
    while True:
        now = told(await asyncio.gather(*map(cloud.secrets.get, NAMES)))
        if now != before:
            logger.info("%s", now)
        before = now
        await asyncio.sleep(EVERY)


def told(secrets: list[skykeep.Secret]) -> str:
    """Which come from where, in words."""
    found: dict[str, list[str]] = {}
    for secret in secrets:
        where = secret.provenance
        assert where is not None
        marks = [word for word in ("degraded", "stale") if getattr(where, word)]
        found.setdefault(", ".join([where.source, *marks]), []).append(secret.name)
    return "; ".join(f"{', '.join(names)} from {where}" for where, names in found.items())


async def obey(cloud: skykeep.Cloud) -> None:
    """Do what standard input says."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async for line in lines:
        _, name, value = line.decode().split()
        try:
            await cloud.secrets.put(name, value)
        except skykeep.Unavailable as error:
            logger.error("%s is not kept: Unavailable, sent: %s", name, error.sent)
        else:
            logger.info("%s is kept", name)


if __name__ == "__main__":
    asyncio.run(main())
