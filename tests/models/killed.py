"""Kills a process before each call of the system that a pull or a push makes, one by one.

``python -m tests.models.killed pull|push|gc DIRECTORY``; started by a test, in a process that
has one thread and can fork. Tells how many times it killed.
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
from itertools import count
from pathlib import Path
from typing import Any, Final

from skykeep.errors import NotFound
from skykeep.models.store import ModelStore
from skykeep.providers.local.objects.driver import LocalObjects
from tests.interfaces.object_sinks import objects_over

CALLS = (
    "open", "close", "write", "fsync", "fchmod", "link", "rename", "replace", "unlink", "mkdir",
    "rmdir", "ftruncate", "utime", "scandir",
)  # fmt: skip
FILES: Final = {"a/weights.bin": b"w" * 10_000, "b.txt": b"b" * 100, "empty": b""}
SOURCE: Final = f"{os.sep}skykeep{os.sep}models{os.sep}"

Work = Callable[[Path], Awaitable[object]]


def models(root: Path) -> tuple[ModelStore, LocalObjects]:
    driver = LocalObjects(root / "store")
    store = ModelStore(objects_over(driver)[0], cache=root / "cache", identity="one")
    return store, driver


async def push(root: Path, version: str = "1") -> None:
    store, driver = models(root)
    await store.push("m", version, root / "files")
    await driver.close()


async def pull(root: Path) -> None:
    store, driver = models(root)
    path = await store.pull("m")
    found = {
        at.relative_to(path).as_posix(): at.read_bytes()
        for at in path.rglob("*")
        if at.is_file()
    }
    assert found == FILES, found.keys()
    await driver.close()


async def collect(root: Path) -> None:
    store, driver = models(root)
    await store.gc(everything=True)
    await driver.close()


async def nothing(root: Path) -> None:
    """A store without the model."""


async def there(root: Path) -> None:
    await push(root)


async def cached(root: Path) -> None:
    await push(root)
    await pull(root)


async def check_push(root: Path) -> None:
    """The version is whole, or nobody sees it; then the same push goes on."""
    store, driver = models(root)
    try:
        await store.verify("m", "1", deep=True)
    except NotFound:
        assert await store.list() == []
    assert (await store.push("m", "1", root / "files")).latest
    await store.verify("m", deep=True)
    await driver.close()
    await pull(root)


async def check_pull(root: Path) -> None:
    """The next one has the model; what was left is gone after a ``gc``."""
    await pull(root)
    store, driver = models(root)
    await store.gc()
    for room in ("parts", "drafts", "building"):
        assert list((root / "cache" / room).iterdir()) == [], room
    assert (await store.gc(everything=True)).left < 1000  # small files of the dead, for an hour
    await driver.close()
    await pull(root)


SCENARIOS: dict[str, tuple[Work, Work, Work]] = {
    "pull": (there, pull, check_pull),
    "push": (nothing, push, check_push),
    "gc": (cached, collect, check_pull),
}
"""What was before, what is killed, what must hold after it."""


def dying(at: int) -> None:
    """Kill this process before the call of that number that models make."""
    made = count(1)

    def ours() -> bool:
        frame = sys._getframe(2)
        for _ in range(4):  # by way of pathlib and shutil, too
            if SOURCE in frame.f_code.co_filename:
                return True
            if frame.f_back is None:
                return False
            frame = frame.f_back
        return False

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if ours() and next(made) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, watched(getattr(os, name)))
    fcntl.flock = watched(fcntl.flock)


def child(work: Callable[[], Awaitable[object]], at: int = 0) -> int:
    """Do it in a child, which dies at that call; its exit status, or minus the signal."""
    process = os.fork()
    if not process:
        code = 1
        try:
            if at:
                dying(at)
            asyncio.run(_awaited(work))
            code = 0
        except BaseException:  # noqa: BLE001  (the parent is told by the exit status)
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


async def _awaited(work: Callable[[], Awaitable[object]]) -> None:
    await work()


def main(scenario: str, directory: str) -> None:
    before, killed, check = SCENARIOS[scenario]
    template = Path(directory) / "template"
    for name, data in FILES.items():
        path = template / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert child(lambda: before(template)) == 0
    for at in count(1):
        root = Path(directory) / "run"
        shutil.copytree(template, root, symlinks=True)
        ended = child(lambda root=root: killed(root), at)  # type: ignore[misc]  # mypy has no type for a lambda's default
        assert ended in {0, -signal.SIGKILL}, f"call {at}: {ended}"
        assert child(lambda root=root: check(root)) == 0, f"after call {at}"  # type: ignore[misc]  # as above
        shutil.rmtree(root)
        if ended == 0:
            sys.stdout.write(f"{at - 1}\n")
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
