"""Backups of the configuration: made, listed, compared, restored."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

import skykeep
from skykeep.config_backup import placing
from skykeep.config_backup.backup import ConfigBackup
from skykeep.errors import ConfigError, Conflict, Corrupt, Denied, Invalid, NotFound
from skykeep.interfaces.object_driver import ObjectCapabilities
from skykeep.providers.memory.objects import MemoryObjects

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CANARY = "canary-31c0"
FIRST = "# é\nproduction:\n  primary: {backend: memory, region: '${REGION:-eu}'}\n"
SECOND = FIRST + "  tags: {team: web}\n"


class Here:
    """A configuration file, its cloud and its backups."""

    def __init__(self, path: Path, cloud: skykeep.Cloud, driver: MemoryObjects) -> None:
        self.path = path
        self.cloud = cloud
        self.driver = driver
        self.now = NOON
        self.backups = ConfigBackup(cloud, environ={}, clock=lambda: self.now)

    def write(self, text: str | bytes) -> bytes:
        data = text if isinstance(text, bytes) else text.encode()
        self.path.write_bytes(data)
        return data

    async def made(self, text: str | bytes, **more: Any) -> str:
        self.write(text)
        made = await self.backups.backup(**more)
        self.now += timedelta(hours=1)
        return made.backup.name

    async def names(self) -> list[str]:
        return [each.name for each in await self.backups.list()]

    def beside(self) -> list[str]:
        return sorted(each.name for each in self.path.parent.iterdir())


@pytest_asyncio.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    path = tmp_path / "skykeep.yaml"
    path.write_text(FIRST)
    async with skykeep.open(config=path, environ={}) as cloud:
        driver = await cloud._primary.target.driver("objects")
        yield Here(path, cloud, cast("MemoryObjects", driver))


# -- making


async def test_the_file_is_kept_as_it_is(here: Here) -> None:
    data = here.write(b"\xef\xbb\xbf" + FIRST.replace("\n", "\r\n").encode())
    made = await here.backups.backup()
    assert made.backup.key == "backups/config_20261122_120000.yml"
    assert made.backup.at == NOON
    stored = await here.cloud.objects.get(made.backup.key)
    assert stored.data == data, "${REGION} is still a variable"
    assert made.sha256 == stored.info.metadata["sha256"] == hashlib.sha256(data).hexdigest()
    assert stored.info.content_type == "application/yaml"


async def test_the_same_content_makes_no_new_one_unless_asked(here: Here) -> None:
    first = await here.made(FIRST)
    again = await here.backups.backup()
    assert (again.backup.name, again.new) == (first, False)
    assert (await here.backups.backup(force=True)).new
    second = await here.made(SECOND)
    third = await here.made(FIRST)
    assert await here.names() == [
        first, "config_20261122_130000.yml", second, third
    ], "what came back after a change is a backup of its own"  # fmt: skip


async def test_no_backup_overwrites_another_of_its_second(here: Here) -> None:
    for number in range(12):
        here.write(f"# {number}\n{FIRST}")
        await here.backups.backup()
    found = await here.names()
    assert found[:2] == ["config_20261122_120000.yml", "config_20261122_120000_2.yml"]
    assert found[-1] == "config_20261122_120000_12.yml", "in the order of their making"
    texts = [await here.backups.read(name) for name in found]
    assert texts == [f"# {number}\n{FIRST}".encode() for number in range(12)]


async def test_two_hosts_at_once_lose_nothing(here: Here) -> None:
    others = [ConfigBackup(here.cloud, clock=lambda: NOON) for _ in range(8)]
    made = await asyncio.gather(*(each.backup(force=True) for each in others))
    assert len({each.backup.name for each in made}) == 8


async def test_a_second_has_room_for_99(here: Here) -> None:
    for _ in range(99):
        await here.backups.backup(force=True)
    with pytest.raises(Conflict, match="99"):
        await here.backups.backup(force=True)


async def test_a_store_without_conditions_or_metadata(here: Here) -> None:
    here.driver.capabilities = ObjectCapabilities(
        presign=False, exclusive_create=False, metadata=False, content_type=False
    )
    first = await here.made(FIRST)
    assert not (await here.backups.backup()).new
    here.now = NOON
    second = await here.made(SECOND)
    assert second == "config_20261122_120000_2.yml"
    assert (await here.backups.restore(first)).verified, "the store has a checksum of its own"


async def test_old_ones_go_when_so_many_are_kept(here: Here) -> None:
    made = [await here.made(f"# {number}\n{FIRST}") for number in range(5)]
    here.write(SECOND)
    done = await here.backups.backup(keep=3)
    assert [each.name for each in done.removed] == made[:3]
    assert await here.names() == [*made[3:], done.backup.name]
    with pytest.raises(Invalid):
        await here.backups.backup(keep=0)
    here.driver.fail_next(Denied, operation="delete")
    with pytest.raises(Denied):
        await here.backups.backup(keep=1)


async def test_without_a_file_there_is_nothing_to_back_up(here: Here, tmp_path: Path) -> None:
    here.path.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        await here.backups.backup()
    async with skykeep.open(backend="memory", environ={}) as cloud:
        with pytest.raises(ConfigError, match="no configuration file"):
            ConfigBackup(cloud)
        other = ConfigBackup(cloud, path=tmp_path / "other.yaml")
        (tmp_path / "other.yaml").write_text(FIRST)
        assert (await other.backup()).new


# -- finding


async def test_only_backups_are_listed(here: Here) -> None:
    name = await here.made(FIRST)
    for key in (
        "backups/config_20261122_120000_1.yml",
        "backups/config_20261122_120000_100.yml",
        "backups/config_20261332_120000.yml",
        "backups/config_20261122_120000.yaml",
        "backups/other/config_20261122_120000.yml",
        "backups/notes.txt",
        "config_20261122_120000.yml",
    ):
        await here.cloud.objects.put(key, b"")
    assert await here.names() == [name]


async def test_a_backup_is_named_in_three_ways_and_latest(here: Here) -> None:
    first = await here.made(FIRST)
    second = await here.made(SECOND)
    for text in (first, first.removesuffix(".yml"), f"backups/{first}"):
        assert (await here.backups.find(text)).name == first
        assert await here.backups.read(text) == FIRST.encode()
    assert (await here.backups.find()).name == second
    with pytest.raises(NotFound):
        await here.backups.find("config_20200101_000000.yml")
    for wrong in ("", "nope", "../../etc/passwd", "config_20261122_120000.yml/x"):
        with pytest.raises(Invalid, match="not the name of a backup"):
            await here.backups.find(wrong)


@pytest.mark.parametrize("prefix", ["", "old-", "a/b/"])
async def test_a_prefix_is_what_stands_before_the_name(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "skykeep.yaml"
    path.write_text(f"{FIRST}  object_storage: {{backups_prefix: '{prefix}'}}\n")
    async with skykeep.open(config=path, environ={}) as cloud:
        backups = ConfigBackup(cloud, clock=lambda: NOON)
        made = await backups.backup()
        assert made.backup.key == f"{prefix}config_20261122_120000.yml"
        assert [each.name for each in await backups.list()] == [made.backup.name]
        assert not (await backups.restore()).changed


async def test_before_the_first_there_is_no_latest(here: Here) -> None:
    assert await here.names() == []
    for work in (here.backups.find, here.backups.read, here.backups.diff, here.backups.restore):
        with pytest.raises(NotFound, match="no backup yet"):
            await work()


# -- comparing


async def test_the_difference(here: Here) -> None:
    first = await here.made(FIRST)
    second = await here.made(SECOND)
    added = ["--- {}", "+++ {}", "@@ -1,3 +1,4 @@", *(f" {line}" for line in FIRST.split("\n"))]
    added[-1] = "+  tags: {team: web}"
    text = "\n".join(added)
    assert await here.backups.diff(first, second) == text.replace("{}", first, 1).replace(
        "{}", second, 1
    )
    assert await here.backups.diff(second) == ""
    assert await here.backups.diff() == ""
    assert (await here.backups.diff(first)).startswith(f"--- {first}\n+++ {here.path}\n")
    assert (await here.backups.diff(None, first)).startswith(f"--- {here.path}\n+++ {first}\n")
    here.path.unlink()
    assert (await here.backups.diff(None, first)).startswith("--- /dev/null\n")


async def test_no_secret_is_in_a_difference(here: Here) -> None:
    name = await here.made(FIRST + f"x-one: {{password: {CANARY}}}\n")
    here.write(SECOND + f"x-one: {{password: {CANARY}-2}}\n")
    text = await here.backups.diff(name)
    assert CANARY not in text
    assert "-x-one: {password: ***(1)}\n+  tags: {team: web}\n" in text
    assert "+x-one: {password: ***(2)}" in text


# -- restoring


async def test_a_backup_is_restored_and_the_file_before_it_is_kept(here: Here) -> None:
    first = await here.made(FIRST)
    here.write(SECOND)
    done = await here.backups.restore(first)
    assert (done.changed, done.verified, done.unset) == (True, True, ())
    assert here.path.read_text() == FIRST
    assert done.saved is not None
    assert done.saved.read_text() == SECOND
    again = await here.backups.restore(first)
    assert (again.changed, again.saved) == (False, None)
    assert here.beside() == ["skykeep.yaml", done.saved.name]


async def test_a_backup_is_restored_where_there_is_no_file(here: Here) -> None:
    first = await here.made(FIRST)
    here.path.unlink()
    done = await here.backups.restore(first)
    assert (here.path.read_text(), done.saved) == (FIRST, None)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("production:\n  primary: {backend: locl}\n", 2, "did you mean 'local'"),
        ("production:\n  primary: {backend: memory}\n  cach: {}\n", 3, "did you mean 'cache'"),
        ("production: [\n", 2, "YAML"),
        ("[]\n", 1, "expected a mapping"),
        (b"a: \xff\n", 1, "UTF-8"),
    ],
)
async def test_what_is_no_configuration_replaces_nothing(
    text: str | bytes, line: int, said: str, here: Here
) -> None:
    name = await here.made(text)
    data = here.write(SECOND)
    with pytest.raises(ConfigError) as caught:
        await here.backups.restore(name)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (name, line)
    assert said in problem.message
    assert (here.path.read_bytes(), here.beside()) == (data, ["skykeep.yaml"])


async def test_variables_that_are_not_set_are_told(here: Here) -> None:
    name = await here.made(FIRST.replace("REGION:-eu", "REGION"))
    here.write(SECOND)
    done = await here.backups.restore(name)
    assert done.changed
    (problem,) = done.unset
    assert (problem.file, problem.line) == (name, 3)
    assert "REGION" in problem.message


async def damaged(here: Here, change: Callable[[bytes], bytes]) -> str:
    """A backup whose body is not what was kept; what is told of it is."""
    name = await here.made(FIRST)
    kept = here.driver.store.kept[f"backups/{name}"]
    kept.data = change(kept.data)
    kept.info = replace(kept.info, size=len(kept.data))
    return name


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-5], lambda data: data + b"#", lambda data: data.replace(b"eu", b"us")],
)
async def test_a_damaged_backup_replaces_nothing(
    change: Callable[[bytes], bytes], here: Here
) -> None:
    name = await damaged(here, change)
    data = here.write(SECOND)
    for work in (here.backups.restore, here.backups.read, here.backups.diff):
        with pytest.raises(Corrupt, match="SHA-256"):
            await work(name)
    assert (here.path.read_bytes(), here.beside()) == (data, ["skykeep.yaml"])


async def test_what_another_program_kept_is_restored_and_said_to_be_unverified(
    here: Here,
) -> None:
    await here.cloud.objects.put("backups/config_20250101_000000.yml", SECOND.encode())
    kept = here.driver.store.kept["backups/config_20250101_000000.yml"]
    kept.info = replace(kept.info, checksums={})
    done = await here.backups.restore()
    assert (done.changed, done.verified) == (True, False)
    assert here.path.read_text() == SECOND
    await here.cloud.objects.put("backups/config_20250101_000001.yml", bytes(1024 * 1024 + 1))
    with pytest.raises(Corrupt, match="1 MiB"):
        await here.backups.restore()


async def test_an_edit_while_the_backup_is_fetched_is_not_lost(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await here.made(SECOND)
    here.write(FIRST)
    kept = placing._kept

    def edited(*words: Any) -> Path:
        here.write("# edited\n")
        return kept(*words)

    monkeypatch.setattr(placing, "_kept", edited)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await here.backups.restore(name)
    assert (here.path.read_text(), here.beside()) == ("# edited\n", ["skykeep.yaml"])


async def test_who_cancels_a_restore_knows_how_it_ended(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await here.made(SECOND)
    here.write(FIRST)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    placed = placing.replace

    def told(*words: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        return placed(*words)

    monkeypatch.setattr("skykeep.config_backup.backup.replace", told)
    restoring = asyncio.ensure_future(here.backups.restore(name))
    await begun.wait()
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert here.path.read_text() == SECOND, "the thread had ended when the waiting did"
