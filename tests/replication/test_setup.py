"""What an environment of several targets is put together from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skykeep.envelope.sealed_secret import is_sealed_secret
from skykeep.errors import Quota
from skykeep.interfaces.call import Role
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal
from skykeep.journal.memory import MemoryJournal, MemoryState
from skykeep.journal.store import SqliteJournal
from skykeep.layers.several import Several
from skykeep.replication.setup import journal_path, several
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment, JournalSettings, TargetSettings
from tests.replication.clouds import CANARY, clouds_in, quiet, settled
from tests.replication.fleet import Store

BARE = Environment(primary=TargetSettings(backend="memory"))


def path_of(home: Path, **settings: Any) -> Path:
    return journal_path(msgspec.structs.replace(BARE, **settings), lambda: home)


# -- where the journal is


def test_each_environment_of_each_file_has_its_own(tmp_path: Path) -> None:
    found = [
        path_of(tmp_path, name=name, origin=origin)
        for name in ("production", "staging", None)
        for origin in ("/etc/one.yaml", "/etc/other.yaml", None)
    ]
    assert len(set(found)) == 9
    assert {each.parent for each in found} == {tmp_path / "journal"}
    assert found[2].name == "production.db"
    assert found[8].name == "default.db"


def test_it_is_the_same_for_each_process(tmp_path: Path) -> None:
    first = path_of(tmp_path, name="production", origin="/etc/one.yaml")
    assert first == path_of(tmp_path, name="production", origin="/etc/one.yaml")


def test_one_file_is_one_file_however_it_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = path_of(tmp_path, name="production", origin="skykeep.yaml")
    assert relative == path_of(
        tmp_path, name="production", origin=str(tmp_path / "skykeep.yaml")
    )


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "a b", "ü"])
def test_a_name_makes_no_path(tmp_path: Path, name: str) -> None:
    found = path_of(tmp_path, name=name)
    assert found.parent == tmp_path / "journal"
    assert found.resolve().parent == (tmp_path / "journal").resolve()


def test_what_is_configured_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given = JournalSettings(path="~/mine.db")
    assert path_of(Path("/nowhere"), name="production", journal=given) == tmp_path / "mine.db"


# -- its parts


def targets() -> list[Store]:
    return [Store(name, Role(name[:-1])) for name in ("failover1", "backup1", "failover2")]


async def _nothing() -> None:
    """Nobody asks for secrets here."""


def made(home: Path, **journal: Any) -> Several:
    environment = msgspec.structs.replace(
        BARE, name="production", journal=JournalSettings(**journal)
    )
    return several(environment, targets(), _nothing, lambda: home, None)  # type: ignore[arg-type]  # see above


def test_targets_are_those_of_their_role_in_their_order(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert [each.name for each in found.failover] == ["failover1", "failover2"]
    assert [each.name for each in found.backups] == ["backup1"]
    assert [each.name for each in found.others] == ["failover1", "failover2", "backup1"]


def test_putting_it_together_and_looking_makes_no_file(tmp_path: Path) -> None:
    found = made(tmp_path)
    found.journal.look()
    assert not list(tmp_path.iterdir())


@pytest.mark.asyncio
async def test_the_journal_is_as_it_is_configured(tmp_path: Path) -> None:
    found = made(tmp_path, path=str(tmp_path / "own.db"), max_entries=1, max_bytes=1000)
    store = found.journal._store
    await store.append(b"x" * 900)
    for size in (1, 200):
        with pytest.raises(Quota, match="at most 1"):
            await store.append(b"x" * size)
    assert (tmp_path / "own.db").exists()
    assert (tmp_path / "own.db.key").exists()
    await found.journal.close()


# -- where values are encrypted


@pytest.mark.asyncio
async def test_with_encryption_no_value_is_in_the_journal_and_it_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes] = []
    for method in ("append", "replace"):
        original = getattr(SqliteJournal, method)

        async def spied(self: Any, *given: Any, original: Any = original) -> Any:
            kept.append(given[-1])
            return await original(self, *given)

        monkeypatch.setattr(SqliteJournal, method, spied)
    async with clouds_in(tmp_path, encryption=EncryptionSettings(kek="main")) as cloud:
        await cloud.keys.create("main")
        await cloud.secrets.put("a", CANARY)
        await cloud.secrets.put("b", b"another")
        await settled(cloud)
        assert len(kept) >= 4
        for payload in kept:
            assert CANARY not in payload
            assert base64.b64encode(CANARY) not in payload
        for place in ("primary", "failover"):
            async with cloud.at(place) as alone:
                assert (await alone.secrets.get("a")).value.reveal() == CANARY
    async with clouds_in(tmp_path) as plain:
        for place in ("primary", "failover"):
            async with plain.at(place) as alone:
                stored = (await alone.secrets.get("a")).value.reveal()
                assert is_sealed_secret(stored)
                assert CANARY not in stored


@pytest.mark.asyncio
async def test_another_process_opens_what_is_owed(tmp_path: Path) -> None:
    sealed = EncryptionSettings(kek="main")
    async with clouds_in(tmp_path, encryption=sealed) as cloud:
        await cloud.keys.create("main")
        quiet(cloud)
        await cloud.secrets.put("a", CANARY)
        assert cloud.replication.owed() == {"failover (local)": 2}, "with the key of digests"
    async with clouds_in(tmp_path, encryption=sealed) as later:
        assert later.replication.owed() == {"failover (local)": 2}
        await settled(later)
        async with later.at("failover") as alone:
            assert (await alone.secrets.get("a")).value.reveal() == CANARY


@pytest.mark.asyncio
async def test_two_environments_that_were_given_one_file_do_not_bring_each_others_writes() -> (
    None
):
    state = MemoryState()
    one = Journal(MemoryJournal(state), of="production-1")
    other = Journal(MemoryJournal(state), of="staging-1")
    entry = await one.begin(
        Entry(
            name="db/password",
            brings=Brings.NOTHING,
            home="primary",
            made=0.0,
            ticks=0.0,
            boot="",
            revision=1,
            command=b"",
        )
    )
    other.look()
    assert not len(other)
    assert other.foreign == 1
    assert other.behind("db/password", "failover") is None
    await one.drop(entry)
    other.look()
    assert other.foreign == 0
