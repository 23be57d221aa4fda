"""A process that forks while it has a vault open.

``python -m tests.faults.forking DIRECTORY CASE``; the vault and its key file are made first.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import skykeep
from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from tests.providers.local.vaults import Place, made

FIRST = "parent/before"


def settings(directory: Path) -> tuple[Path, dict[str, str]]:
    """A configuration for the vault, and the environment to read it with."""
    place = Place(directory)
    file = directory / "skykeep.yaml"
    file.write_text(
        "production:\n  primary:\n    backend: local\n"
        f"    path: {place.path}\n    key_file: {place.key_path}\n"
    )
    return file, {"SKYKEEP_HOME": str(directory / "home")}


def blocking(directory: Path) -> BlockingCloud:
    file, environ = settings(directory)
    return skykeep.open_blocking(env="production", config=file, environ=environ)


def in_child(work: Callable[[], None]) -> int:
    """Fork, do the work in the child, and return its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  (the child must end here, whatever happened)
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def ended_well(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("the child failed")


async def use(cloud: Cloud, who: str) -> None:
    for number in range(20):
        await cloud.secrets.put(f"{who}/{number}", f"{who} {number}")
        if (await cloud.secrets.get(f"{who}/{number}")).value.text() != f"{who} {number}":
            raise SystemExit("another value")
    if (await cloud.secrets.get(FIRST)).value.text() != "first":
        raise SystemExit("another first value")


def use_blocking(cloud: BlockingCloud, who: str) -> None:
    for number in range(20):
        cloud.secrets.put(f"{who}/{number}", f"{who} {number}")
        if cloud.secrets.get(f"{who}/{number}").value.text() != f"{who} {number}":
            raise SystemExit("another value")
    if cloud.secrets.get(FIRST).value.text() != "first":
        raise SystemExit("another first value")


def async_door(directory: Path) -> None:
    """The child runs a loop of its own with the cloud that it inherited."""
    file, environ = settings(directory)

    async def main() -> None:
        async with skykeep.open(env="production", config=file, environ=environ) as cloud:
            await cloud.secrets.put(FIRST, "first")
            child = in_child(lambda: asyncio.run(use(cloud, "child")))
            await use(cloud, "parent")
            ended_well(child)
            await use(cloud, "parent")
            names = {info.name async for info in cloud.secrets.list()}
            if len(names) != 41:
                raise SystemExit(f"{len(names)} names")

    asyncio.run(main())


def blocking_door(directory: Path) -> None:
    """Both go on; the child's end, orderly and not, does not disturb the parent."""
    with blocking(directory) as cloud:
        cloud.secrets.put(FIRST, "first")

        def closing() -> None:
            use_blocking(cloud, "closing")
            cloud.close()

        children = [in_child(closing), in_child(lambda: use_blocking(cloud, "leaving"))]
        use_blocking(cloud, "parent")
        for child in children:
            ended_well(child)
        use_blocking(cloud, "parent")
        if len(list(cloud.secrets.list())) != 61:
            raise SystemExit("names are missing")


def _pooled(directory: str) -> None:
    use_blocking(_inherited[directory], f"pooled/{os.getpid()}")


_inherited: dict[str, BlockingCloud] = {}


def multiprocessing_door(directory: Path) -> None:
    """Workers of ``multiprocessing`` that were forked."""
    with blocking(directory) as cloud:
        cloud.secrets.put(FIRST, "first")
        _inherited[str(directory)] = cloud
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_pooled, args=(str(directory),)) for _ in range(3)]
        for worker in workers:
            worker.start()
        use_blocking(cloud, "parent")
        for worker in workers:
            worker.join()
            if worker.exitcode != 0:
                raise SystemExit("a worker failed")
        if len(list(cloud.secrets.list())) != 81:
            raise SystemExit("names are missing")


def parent_closes_first(directory: Path) -> None:
    """The parent closes as the last that it knows of; the child goes on writing."""
    told, tell = os.pipe()
    heard, hear = os.pipe()
    cloud = blocking(directory)
    cloud.secrets.put(FIRST, "first")

    def work() -> None:
        cloud.secrets.put("child/1", "one")
        os.write(tell, b".")
        os.read(heard, 1)  # the parent has closed
        cloud.secrets.put("child/2", "two")

    child = in_child(work)
    os.read(told, 1)
    cloud.secrets.put("parent/after", "after")
    cloud.close()
    os.write(hear, b".")
    ended_well(child)
    with blocking(directory) as again:
        names = sorted(info.name for info in again.secrets.list())
        if names != ["child/1", "child/2", "parent/after", FIRST]:
            raise SystemExit(f"an acknowledged write is lost: {names}")


def while_others_write(directory: Path) -> None:
    """Forks that come while a transaction is under way in another thread."""
    with blocking(directory) as cloud:
        cloud.secrets.put(FIRST, "first")
        enough = threading.Event()
        wrong: list[BaseException] = []

        def keep_writing() -> None:
            number = 0
            try:
                while not enough.is_set():
                    number += 1
                    cloud.secrets.put("parent/busy", str(number) * 2000)
                    cloud.secrets.get("parent/busy")
            except BaseException as error:  # noqa: BLE001  (told below)
                wrong.append(error)

        writer = threading.Thread(target=keep_writing)
        writer.start()
        try:
            for number in range(40):
                ended_well(in_child(partial(use_one, cloud, f"child/{number}")))
        finally:
            enough.set()
            writer.join()
        if wrong:
            raise SystemExit(f"the parent failed: {wrong}")
        if len(list(cloud.secrets.list("child"))) != 40:
            raise SystemExit("names are missing")


def use_one(cloud: BlockingCloud, who: str) -> None:
    cloud.secrets.put(who, who)
    if cloud.secrets.get(who).value.text() != who:
        raise SystemExit("another value")


CASES = {
    case.__name__: case
    for case in (
        async_door,
        blocking_door,
        multiprocessing_door,
        parent_closes_first,
        while_others_write,
    )
}


def main() -> None:
    directory = Path(sys.argv[1])
    made(directory)
    CASES[sys.argv[2]](directory)
    sys.stdout.write(json.dumps({"case": sys.argv[2]}) + "\n")


if __name__ == "__main__":
    main()
