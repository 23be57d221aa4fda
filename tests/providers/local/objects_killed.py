"""Kills a process before each call of the system that an operation makes, one after the other.

``python -m tests.providers.local.objects_killed SCENARIO DIRECTORY``; started by a test, in a
process that has one thread and can fork.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from skykeep.errors import NotFound
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.local.objects.driver import LocalObjects
from tests.providers.local.objects_dirs import check_tidy, keys, opened

OLD = ObjectAttributes("text/old", {"is": "old"}, {"is": "old"})
NEW = ObjectAttributes("text/new", {"is": "new"}, {"is": "new"})
KEY = "deep/er/key"

CALLS = (
    "open", "rename", "unlink", "mkdir", "rmdir", "fsync", "pwrite", "ftruncate", "utime",
    "symlink", "copy_file_range", "close",
)  # fmt: skip

Work = Callable[[LocalObjects], Awaitable[object]]


async def nothing(driver: LocalObjects) -> None:
    pass


async def old(driver: LocalObjects) -> None:
    await driver.write(KEY, b"old", OLD)


async def new(driver: LocalObjects) -> None:
    await driver.write(KEY, b"new body", NEW)


async def expected(driver: LocalObjects) -> None:
    there = await driver.head(KEY)
    await driver.write(KEY, b"new body", NEW, Condition(there.etag))


async def delete(driver: LocalObjects) -> None:
    await driver.delete(KEY)


async def beside(driver: LocalObjects) -> None:
    await driver.write("source", b"new body", NEW)


async def copy(driver: LocalObjects) -> None:
    await driver.copy("source", KEY)


async def regular(driver: LocalObjects) -> None:
    await upload(driver, b"new", b" bo", b"dy")


async def irregular(driver: LocalObjects) -> None:
    await upload(driver, b"n", b"ew bod", b"y")


async def upload(driver: LocalObjects, *parts: bytes) -> None:
    begun = await driver.begin_upload(KEY, NEW)
    tokens = [await driver.write_part(KEY, begun, n + 1, part) for n, part in enumerate(parts)]
    await driver.complete_upload(KEY, begun, tokens, Condition(if_absent=False))


async def abort(driver: LocalObjects) -> None:
    begun = await driver.begin_upload(KEY, NEW)
    await driver.write_part(KEY, begun, 1, b"part")
    await driver.abort_upload(KEY, begun)


SCENARIOS: dict[str, tuple[Work, Work, set[str]]] = {
    "create": (nothing, new, {"none", "new"}),
    "replace": (old, new, {"old", "new"}),
    "compare-and-set": (old, expected, {"old", "new"}),
    "delete": (old, delete, {"old", "none"}),
    "copy": (beside, copy, {"none", "new"}),
    "regular parts": (old, regular, {"old", "new"}),
    "irregular parts": (nothing, irregular, {"none", "new"}),
    "abort": (old, abort, {"old"}),
}
"""What was before, what is killed, what may be found after it."""


async def state(driver: LocalObjects) -> str:
    try:
        fragment = await driver.read(KEY)
    except NotFound:
        assert KEY not in await keys(driver)
        return "none"
    info, tags = fragment.info, await driver.tags(KEY)
    name = tags["is"]
    data = {"old": b"old", "new": b"new body"}[name]
    assert fragment.data == data
    assert info.metadata == {"is": name}
    assert info.content_type == f"text/{name}"
    assert info.checksums.get("sha256") in {None, sha256(data).hexdigest()}
    assert KEY in await keys(driver)
    return name


async def check(root: Path, allowed: set[str]) -> None:
    async with opened(root) as driver:
        found = await state(driver)
        assert found in allowed, f"found {found}"
        for each in await driver.uploads(""):
            await driver.abort_upload(each.key, each.id)
        assert await driver.uploads("") == []
        assert await state(driver) == found
        await driver.write(KEY, b"old", OLD)  # takes the lock that the dead had
        assert await state(driver) == "old"
    check_tidy(root)


def dying(at: int) -> None:
    """Kill this process before the call of that number."""
    made = count(1)

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(made) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for name in CALLS:
        if hasattr(os, name):
            setattr(os, name, watched(getattr(os, name)))
    fcntl.flock = watched(fcntl.flock)


def child(work: Callable[[], object]) -> int:
    """Do it in a child; its exit status, or minus the signal."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        work()
    except BaseException:  # noqa: BLE001  (the child must not go on as the parent)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def use(root: Path, work: Work) -> None:
    async with opened(root) as driver:
        await work(driver)


def main(scenario: str, directory: Path) -> None:
    before, work, allowed = SCENARIOS[scenario]

    def doomed(root: Path, at: int) -> None:
        async def run() -> None:
            async with opened(root) as driver:
                dying(at)
                await work(driver)

        asyncio.run(run())

    for at in count(1):
        root = directory / "objects"
        shutil.rmtree(root, ignore_errors=True)
        assert child(lambda root=root: asyncio.run(use(root, before))) == 0  # type: ignore[misc]  # mypy has no type for a lambda's default
        ended = child(lambda root=root, at=at: doomed(root, at))  # type: ignore[misc]  # see above
        assert ended in {0, -signal.SIGKILL}, ended
        failed = child(lambda root=root: asyncio.run(check(root, allowed)))  # type: ignore[misc]  # see above
        assert failed == 0, f"{scenario}: killed before call {at}"
        if ended == 0:
            sys.stdout.write(str(at - 1))
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
