"""One of several processes that write to one vault, or read it, at the same time.

``python -m tests.faults.many_writers DIRECTORY write NUMBER WRITES [KEY_FILE]``
``python -m tests.faults.many_writers DIRECTORY read [KEY_FILE]``: until its standard input ends

KEY_FILE is ``False`` if a passphrase unlocks the vault.
"""

from __future__ import annotations

import asyncio
import json
import select
import sys
from contextlib import suppress
from pathlib import Path

from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.secrets import LocalSecrets
from tests.faults.values import made_for, number_of
from tests.providers.local.vaults import Place, change, keep, listed, read

COUNTER = "shared/counter"
OWN = 19
"""Names of each writer's own, in turn; every tenth write goes to the shared counter instead."""


def own_names(number: int) -> list[str]:
    return [f"writer-{number}/secret-{own}" for own in range(OWN)]


async def bump(driver: LocalSecrets) -> tuple[str, int]:
    """Add one to the shared counter under compare-and-set; the version, the tries lost."""
    lost = 0
    while True:
        secret = await driver.get(COUNTER)
        more = SecretValue(str(int(secret.value.text()) + 1))
        try:
            written = await driver.update(COUNTER, more, Attributes(), expects=secret.version)
        except Conflict:
            lost += 1
        else:
            return written.version, lost


async def write(place: Place, number: int, writes: int) -> dict[str, object]:
    names, versions, bumped, lost = own_names(number), dict[str, list[str]](), list[str](), 0
    async with place.opened() as driver:
        for count in range(writes):
            if count % 10 == 9:
                version, missed = await bump(driver)
                bumped.append(version)
                lost += missed
                continue
            name = names[count % OWN]
            value = made_for(name, count)
            written = await (change if name in versions else keep)(driver, name, value)
            versions.setdefault(name, []).append(written.version)
            if number_of(name, await read(driver, name)) != count:
                raise SystemExit(f"{name} was not what had just been written")
    return {"versions": versions, "bumped": bumped, "lost": lost}


async def look(place: Place) -> dict[str, object]:
    """Read whatever is there, all the time; every value is whole, every listing complete."""
    reads = counter = 0
    seen: set[str] = set()
    async with place.opened() as driver:
        while not select.select([sys.stdin], [], [], 0)[0]:
            try:
                names = set(await listed(driver, limit=50))
            except Invalid:  # new keys between two pages
                continue
            if not seen <= names:
                raise SystemExit(f"the listing lost {seen - names}")
            seen = names
            for name in names:
                try:
                    value = await read(driver, name)
                except NotFound:
                    raise SystemExit(f"{name} was listed and is not there") from None
                if name == COUNTER:
                    if int(value) < counter:
                        raise SystemExit("the counter went back")
                    counter = int(value)
                else:
                    number_of(name, value)
                reads += 1
            with suppress(Invalid):  # as above
                for number in range(8):
                    await listed(driver, f"writer-{number}", limit=7)
    return {"reads": reads}


def main() -> None:
    place = Place(Path(sys.argv[1]), key_file=sys.argv[-1] != "False")
    if sys.argv[2] == "read":
        answer = asyncio.run(look(place))
    else:
        answer = asyncio.run(write(place, int(sys.argv[3]), int(sys.argv[4])))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
