"""``kill -9`` at any moment: the old object or the new one, and nothing that stays behind."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skykeep.errors import NotFound
from tests.providers.local.objects_dirs import check_tidy, keys, opened
from tests.providers.local.objects_killed import SCENARIOS
from tests.repo.tree import ROOT

WRITERS = 8


def started(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_before_each_call_of_the_system(tmp_path: Path, scenario: str) -> None:
    module = "tests.providers.local.objects_killed"
    ended = subprocess.run(
        [sys.executable, "-m", module, scenario, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(ended.stdout) > 30  # so many moments there were


WRITING = """
import asyncio, sys
from itertools import count
from pathlib import Path
from skykeep.interfaces.object_driver import ObjectAttributes
from skykeep.providers.local.objects.driver import LocalObjects

async def main(root, who):
    driver = LocalObjects(Path(root))
    print("up", flush=True)
    for number in count():
        text = f"{who}-{number}"
        attributes = ObjectAttributes(metadata={"who": text})
        body = (text + "\\n").encode() * (1 + number % 5000)
        key = f"shared/{number % 3}"
        if number % 4 == 3:
            upload = await driver.begin_upload(key, attributes)
            half = len(body) // 2
            parts = [
                await driver.write_part(key, upload, 1, body[:half]),
                await driver.write_part(key, upload, 2, body[half:]),
            ]
            await driver.complete_upload(key, upload, parts)
        elif number % 7 == 5:
            await driver.delete(key)
        else:
            await driver.write(key, body, attributes)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
def test_writers_that_are_killed_leave_whole_objects(tmp_path: Path) -> None:
    dice = random.Random(6)

    async def seen() -> None:
        async with opened(tmp_path) as driver:
            for key in await keys(driver):
                try:
                    fragment = await driver.read(key)
                except NotFound:
                    continue  # they delete, too
                who = fragment.info.metadata["who"].encode() + b"\n"
                assert fragment.data == who * (len(fragment.data) // len(who))

    async def rest() -> None:
        async with opened(tmp_path) as driver:
            for upload in await driver.uploads(""):
                await driver.abort_upload(upload.key, upload.id)
            for number in range(3):
                await driver.write(f"shared/{number}", b"last")

    running = [started(WRITING, tmp_path, who) for who in range(WRITERS)]
    try:
        for number in range(30):
            victim = dice.randrange(WRITERS)
            told = running[victim].stdout
            assert told is not None
            assert told.readline() == "up\n"
            asyncio.run(seen())
            running[victim].send_signal(signal.SIGKILL)
            running[victim].communicate()
            running[victim] = started(WRITING, tmp_path, f"{victim}.{number}")
    finally:
        for each in running:
            each.kill()
            each.communicate()
    asyncio.run(rest())
    check_tidy(tmp_path)


COUNTING = """
import asyncio, sys
from pathlib import Path
from skykeep.errors import Conflict, NotFound
from skykeep.interfaces.object_driver import Condition
from skykeep.providers.local.objects.driver import LocalObjects

async def main(root, times):
    driver = LocalObjects(Path(root))
    done = 0
    while done < int(times):
        try:
            there = await driver.read("counter")
            wanted = Condition(there.info.etag)
            data = str(int(there.data) + 1).encode()
        except NotFound:
            wanted, data = Condition(if_absent=True), b"1"
        try:
            await driver.write("counter", data, condition=wanted)
        except Conflict:
            continue
        done += 1
    await driver.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
def test_no_update_is_lost_among_processes(tmp_path: Path) -> None:
    running = [started(COUNTING, tmp_path, 25) for _ in range(WRITERS)]
    assert [each.wait() for each in running] == [0] * WRITERS
    for each in running:
        each.communicate()
    assert (tmp_path / "counter").read_bytes() == str(WRITERS * 25).encode()
    check_tidy(tmp_path)
