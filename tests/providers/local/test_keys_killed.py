"""Other processes that rotate a key: seen at once, and killed at any moment."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skykeep.interfaces.secret_value import SecretValue
from tests.providers.local.key_vaults import opened, verified
from tests.providers.local.keys_killed import COMMITS
from tests.providers.local.vaults import Place, made

pytestmark = pytest.mark.asyncio

NONE: dict[str, str] = {}
ROOT = Path(__file__).parents[3]


@contextmanager
def rotating(place: Place, moment: str) -> Iterator[subprocess.Popen[str]]:
    module = "tests.providers.local.keys_killed"
    with subprocess.Popen(
        [sys.executable, "-m", module, str(place.directory), moment],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> tuple[int, bytes]:
    assert process.stdout is not None
    version, ciphertext = process.stdout.readline().split()
    return int(version), base64.b64decode(ciphertext)


async def test_a_rotation_of_another_process_is_seen_at_once(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("key")
        with rotating(place, "never") as process:
            for _ in range(5):
                version, ciphertext = said(process)
                value = await keys.decrypt("key", ciphertext, NONE)
                assert value == SecretValue(f"of version {version}")
                assert int((await keys.describe("key")).version or "") >= version
                mine = await keys.encrypt("key", SecretValue("mine"), NONE)
                assert int.from_bytes(mine[17:21], "big") >= version


@pytest.mark.parametrize(("moment", "versions"), [("before", COMMITS), ("after", COMMITS + 1)])
async def test_killed_in_a_rotation(tmp_path: Path, moment: str, versions: int) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("key")
    with rotating(place, moment) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        assert process.wait() == -9
    assert len(lines) == COMMITS - 1, "the last was not acknowledged"
    assert verified(place).keys == 1
    async with opened(place) as keys:
        assert (await keys.describe("key")).version == str(versions)
        for line in lines:
            version, ciphertext = line.split()
            value = await keys.decrypt("key", base64.b64decode(ciphertext), NONE)
            assert value == SecretValue(f"of version {version}")
        assert (await keys.rotate("key")).version == str(versions + 1)


async def test_killed_at_any_moment(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("key")
    acknowledged: dict[int, bytes] = {}
    for lines in (1, 2, 4, 7):
        with rotating(place, "never") as process:
            for _ in range(lines):
                version, ciphertext = said(process)
                acknowledged[version] = ciphertext
            process.kill()
        counts = verified(place)
        assert counts.keys == 1
        async with opened(place) as keys:
            assert int((await keys.describe("key")).version or "") >= max(acknowledged)
            for version, ciphertext in acknowledged.items():
                value = await keys.decrypt("key", ciphertext, NONE)
                assert value == SecretValue(f"of version {version}")
