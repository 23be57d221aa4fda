"""skykeep and the second implementation read each other's vaults, and refuse the same ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.envelope import header, keys, sealed
from skykeep.errors import Corrupt, KeyFailure, NotFound, Unsupported
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, SecretInfo, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import chain, counter, record
from skykeep.providers.local import vault as local_vault
from skykeep.providers.local.secrets import open_secrets
from skykeep.providers.local.settings import LocalSettings
from tests.spec import make_vectors, second

CHEAP = keys.Argon2id(memory_kib=64, passes=1, lanes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VECTORS: dict[str, Any] = json.loads(make_vectors.JSON_FILE.read_text(encoding="utf-8"))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


# -- (1) the vectors


def test_the_vectors_are_what_the_second_implementation_makes(tmp_path: Path) -> None:
    make_vectors.write(tmp_path)

    made = json.loads((tmp_path / make_vectors.JSON_FILE.name).read_text(encoding="utf-8"))
    assert made == VECTORS
    assert dump(tmp_path / make_vectors.VAULT_FILE.name) == dump(
        copied_vault(tmp_path / "copy")
    )


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("header", "secret", "version", "path", "directory", "counter")
    with closing(sqlite3.connect(path)) as database:
        return {
            table: database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            for table in tables
        }


def copied_vault(directory: Path) -> Path:
    """The committed vault; opening it in place would write beside it."""
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / make_vectors.VAULT_FILE.name
    shutil.copyfile(make_vectors.VAULT_FILE, path)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("case", VECTORS["contexts"])
def test_contexts(case: dict[str, Any]) -> None:
    parts = [unhex(part) for part in case["parts"]]

    assert second.context(case["kind"], *parts) == unhex(case["context"])
    assert sealed.context(case["kind"].encode(), *parts) == unhex(case["context"])


@pytest.mark.parametrize("case", VECTORS["sealed"])
def test_sealed_messages(case: dict[str, str]) -> None:
    key, nonce, plaintext, bound, message = (
        unhex(case[part]) for part in ("key", "nonce", "plaintext", "context", "sealed")
    )

    assert second.seal(key, nonce, plaintext, bound) == message
    assert second.unseal(key, message, bound) == plaintext
    assert sealed.Sealer(key).open(message, bound) == plaintext
    assert second.unseal(key, sealed.Sealer(key).seal(plaintext, bound), bound) == plaintext


@pytest.mark.parametrize("case", VECTORS["sealed"])
def test_a_sealed_message_with_any_byte_changed_does_not_open(case: dict[str, str]) -> None:
    key, bound, message = (unhex(case[part]) for part in ("key", "context", "sealed"))

    for position in range(len(message)):
        edited = bytearray(message)
        edited[position] ^= 1
        with pytest.raises(Corrupt):
            sealed.Sealer(key).open(bytes(edited), bound)
        with pytest.raises(second.Damaged):
            second.unseal(key, bytes(edited), bound)


@pytest.mark.parametrize("case", VECTORS["passphrases"], ids=lambda case: str(case["case"]))
def test_keys_from_passphrases(case: dict[str, Any]) -> None:
    cost = {name: case[name] for name in ("memory_kib", "passes", "lanes")}
    salt = unhex(case["salt"])

    assert second.passphrase_kek(case["passphrase"], salt, cost) == unhex(case["kek"])
    kek = keys.kek_from_passphrase(case["passphrase"], salt, keys.Argon2id(**cost))
    assert kek == unhex(case["kek"])


def test_a_passphrase_is_normalised() -> None:
    composed, decomposed = (
        next(case for case in VECTORS["passphrases"] if case["case"].startswith(start))
        for start in ("composed", "decomposed")
    )

    assert composed["passphrase"] != decomposed["passphrase"]
    assert composed["kek"] == decomposed["kek"]


def test_the_default_cost_is_the_one_of_the_page() -> None:
    assert keys.Argon2id(**second.DEFAULT_COST) == keys.RECOMMENDED


def test_a_key_from_a_key_file() -> None:
    case = VECTORS["key_file"]
    content, salt, kek = (unhex(case[part]) for part in ("content", "salt", "kek"))

    assert second.key_file_kek(content, salt) == kek
    assert keys.kek_from_key_file(content, salt) == kek


def test_a_key_from_the_keyring() -> None:
    case = VECTORS["keyring"]
    content, salt, kek = (unhex(case[part]) for part in ("content", "salt", "kek"))

    assert second.keyring_kek(content, salt) == kek
    assert keys.kek_from_keyring(content, salt) == kek
    assert kek != unhex(VECTORS["key_file"]["kek"])


def test_a_header_for_the_keyring() -> None:
    key = bytes(range(32))
    made, dek = header.new_header(keyring=key)

    assert second.unlock(*second.parse_header(*header.pack(made)), key) == dek
    assert header.unlock_with_key(made, key, "keyring") == dek
    with pytest.raises(KeyFailure):
        header.unlock_with_key(made, key, "key-file")
    with pytest.raises(KeyFailure):
        header.unlock_with_key(made, bytes(32), "keyring")


def given_keys() -> tuple[keys.VaultKeys, bytes, bytes]:
    case = VECTORS["keys"]
    dek, vault_id = unhex(case["dek"]), unhex(case["vault"])
    return keys.VaultKeys(dek, vault_id), dek, vault_id


def test_name_keys_and_prefix_keys() -> None:
    ours, dek, vault_id = given_keys()
    index_key = second.index_key(dek, vault_id)

    assert second.data_key(dek, vault_id) == unhex(VECTORS["keys"]["data_key"])
    assert index_key == unhex(VECTORS["keys"]["index_key"])
    for name, key in VECTORS["name_keys"].items():
        assert second.name_key(index_key, name) == ours.name_key(name) == unhex(key)
    for prefix, key in VECTORS["prefix_keys"].items():
        assert second.prefix_key(index_key, prefix) == ours.prefix_key(prefix) == unhex(key)
    assert VECTORS["name_keys"]["a"] != VECTORS["prefix_keys"]["a"]


@pytest.mark.parametrize("case", VECTORS["slots"], ids=lambda case: str(case["kind"]))
def test_wrapped_keys(case: dict[str, str]) -> None:
    kek, nonce, dek, vault_id, slot_id, wrapped = (
        unhex(case[part]) for part in ("kek", "nonce", "dek", "vault", "slot", "wrapped")
    )

    assert second.wrap(kek, nonce, dek, vault_id, slot_id) == wrapped
    assert keys.unwrap(kek, wrapped, vault_id, slot_id) == dek
    with pytest.raises(KeyFailure):
        keys.unwrap(kek, wrapped, vault_id, slot_id[::-1])
    with pytest.raises(KeyFailure):
        keys.unwrap(kek, wrapped, vault_id[::-1], slot_id)


def test_the_header() -> None:
    case = VECTORS["header"]
    body, digest = case["body"].encode(), unhex(case["digest"])
    dek, key, passphrase = unhex(case["dek"]), unhex(case["key_file"]), case["passphrase"]

    vault_id, slots = second.parse_header(body, digest)
    assert second.unlock(vault_id, slots, key) == dek
    assert second.unlock(vault_id, slots, passphrase) == dek

    parsed = header.parse(body, digest)
    assert header.unlock_with_key(parsed, key) == dek
    assert header.unlock_with_passphrase(parsed, passphrase) == dek
    assert second.parse_header(*header.pack(parsed)) == (
        vault_id,
        [second.Slot(slot.id, slot.kind, slot.salt, slot.wrapped, slot.cost) for slot in slots],
    )
    with pytest.raises(KeyFailure):
        header.unlock_with_key(parsed, key[::-1])
    with pytest.raises(KeyFailure):
        header.unlock_with_passphrase(parsed, passphrase + " ")


def test_a_header_with_any_byte_changed_is_damaged() -> None:
    body, digest = VECTORS["header"]["body"].encode(), unhex(VECTORS["header"]["digest"])

    for position in range(len(body)):
        edited = bytearray(body)
        edited[position] ^= 1
        with pytest.raises(Corrupt):
            header.parse(bytes(edited), digest)
    with pytest.raises(Corrupt):
        header.parse(body, digest[:-1])


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 64, "passes": 101, "lanes": 1},
        {"memory_kib": 4 * 1024 * 1024 + 1, "passes": 1, "lanes": 1},
        {"memory_kib": 1024, "passes": 1, "lanes": 65},
    ],
    ids=["passes", "memory", "lanes"],
)
def test_a_header_that_asks_for_too_much_is_refused(cost: dict[str, int]) -> None:
    fields = json.loads(VECTORS["header"]["body"])
    fields["slots"][1]["argon2id"] = cost
    body = json.dumps(fields).encode()
    digest = sha256(body).digest()

    with pytest.raises(second.Damaged):
        second.parse_header(body, digest)
    with pytest.raises(Corrupt):
        header.parse(body, digest)


def as_ours(shown: dict[str, Any]) -> record.Record:
    fields = {**shown, "serial": unhex(shown["serial"]), "next": unhex(shown["next"])}
    fields["versions"] = [record.Kept(*version) for version in shown["versions"]]
    stamps = shown.get("stamps", {})
    fields["stamps"] = {int(number): unhex(stamp) for number, stamp in stamps.items()}
    return record.Record(**fields)


@pytest.mark.parametrize("case", VECTORS["records"], ids=lambda case: str(case["name_key"]))
def test_records(case: dict[str, Any]) -> None:
    ours, dek, vault_id = given_keys()
    name_key, packed, message = (unhex(case[p]) for p in ("name_key", "packed", "sealed"))
    expected = as_ours(case["record"])

    bound = second.context("record", vault_id, name_key)
    assert second.unseal(second.data_key(dek, vault_id), message, bound) == packed
    assert make_vectors.shown(second.Record.unpack(packed)) == case["record"]

    assert record.unpack(packed) == expected
    assert chain.open_record(ours, name_key, message) == expected
    assert record.pack(expected) == packed
    again = chain.seal_record(ours, name_key, expected)
    assert chain.open_record(ours, name_key, again) == expected
    with pytest.raises(Corrupt):
        chain.open_record(ours, name_key[:-1] + b"\xff", message)


def test_the_count_of_a_directory() -> None:
    ours, _, vault_id = given_keys()
    case = VECTORS["directory"]
    prefix_key, message = unhex(case["prefix_key"]), unhex(case["sealed"])

    assert ours.prefix_key(case["prefix"]) == prefix_key
    plain = ours.sealer.open(message, sealed.context(b"directory", vault_id, prefix_key))
    assert plain == second.u64(case["names"]) + unhex(case["next"])


def test_the_counter() -> None:
    ours, _, _ = given_keys()
    case = VECTORS["counter"]

    assert counter.opened(ours, unhex(case["sealed"])) == case["number"]
    assert counter.opened(ours, counter.sealed(ours, case["number"])) == case["number"]
    with pytest.raises(Corrupt):
        counter.opened(ours, unhex(VECTORS["directory"]["sealed"]))


# -- the two, opened


@dataclass
class Place:
    """A vault file and what unlocks it."""

    path: Path
    key_file: Path | None = None
    passphrase: str | None = None
    secret_prefix: str | None = None
    keep_versions: int = 100

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings(
            backend="local",
            path=str(self.path),
            key_file=None if self.key_file is None else str(self.key_file),
            secret_prefix=self.secret_prefix,
            keep_versions=self.keep_versions,
        )

    @property
    def context(self) -> OpenContext:
        environ = {} if self.passphrase is None else {"SKYKEEP_PASSPHRASE": self.passphrase}
        return OpenContext("local", environ, lambda: self.path.parent)

    def create(self) -> None:
        """By skykeep."""
        local_vault.create(self.settings, self.context, cost=CHEAP)

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[SecretDriver]:
        driver = await open_secrets(self.settings, self.context)
        try:
            yield driver
        finally:
            await driver.close()

    def by_second(self) -> second.Vault:
        if self.key_file is not None:
            return second.open_vault(self.path, key=self.key_file.read_bytes())
        return second.open_vault(self.path, passphrase=self.passphrase)

    def create_second(self) -> second.Vault:
        """By the second implementation; the key file is made with it."""
        key = None
        if self.key_file is not None:
            key = bytes(range(1, 33))
            self.key_file.touch(mode=0o600)
            self.key_file.write_bytes(key)
        return second.create_vault(
            self.path, key=key, passphrase=self.passphrase, cost=second.CHEAP_COST
        )

    @contextmanager
    def edited(self) -> Iterator[sqlite3.Connection]:
        """The database, to be damaged."""
        with closing(sqlite3.connect(self.path)) as database, database:
            yield database


@pytest.fixture(params=["key file", "passphrase"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A vault that is not made yet."""
    if request.param == "key file":
        return Place(tmp_path / "vault.db", key_file=tmp_path / "vault.key")
    return Place(tmp_path / "vault.db", passphrase="Zoë's passphrase")


@pytest.fixture
def keyed(tmp_path: Path) -> Place:
    """A vault with a key file, not made yet."""
    return Place(tmp_path / "vault.db", key_file=tmp_path / "vault.key")


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


async def listed(driver: SecretDriver, prefix: str = "") -> dict[str, SecretInfo]:
    """All secrets, deleted ones too; in small pages."""
    found: dict[str, SecretInfo] = {}
    for deleted in (False, True):
        cursor = None
        while True:
            page = await driver.list(prefix, cursor=cursor, limit=3, deleted=deleted)
            for info in page.items:
                assert info.name not in found
                found[info.name] = info
            cursor = page.cursor
            if cursor is None:
                break
    return found


def agrees(ours: SecretInfo, theirs: second.Record) -> bool:
    current = theirs.current
    return (
        ours.version == (None if current is None else str(current.number))
        and micros(ours.created_at) == theirs.created
        and micros(ours.updated_at) == theirs.updated
        and micros(ours.deleted_at) == theirs.deleted
        and micros(ours.expires_at) == theirs.expires
        and ours.metadata == theirs.metadata
        and ours.tags == theirs.tags
        and ours.stamp == (None if current is None else stamp_of(theirs, current.number))
    )


def stamp_of(theirs: second.Record, number: int) -> Stamp | None:
    kept = theirs.stamps.get(number)
    return None if kept is None else Stamp(int.from_bytes(kept[:8], "big"), kept[8:])


async def assert_same(driver: SecretDriver, vault: second.Vault) -> None:
    """Both see the same vault, all of it."""
    vault.verify()
    ours = await listed(driver)
    theirs = {found.name: found for found in vault.records()}
    assert ours.keys() == theirs.keys()
    assert set(theirs) == {found.name for found in vault.records()}

    for name, found in theirs.items():
        assert agrees(ours[name], found)
        assert agrees(await driver.describe(name), found)
        assert agrees(ours[name], vault.record(name))
        versions = {version.id: version for version in await driver.versions(name)}
        assert list(versions) == [str(one.number) for one in reversed(found.versions)]
        for one in found.versions:
            version = versions[str(one.number)]
            assert micros(version.created_at) == one.created
            assert version.size == one.size
            assert set(version.stages) == {
                stage for stage, number in found.stages.items() if number == one.number
            }
            if found.deleted is None:
                read = await driver.get(name, version=version.id)
                assert read.value.reveal() == vault.value(name, version=one.number)
                assert set(read.stages) == set(version.stages)
                assert read.stamp == stamp_of(found, one.number)
        if found.deleted is not None:
            with pytest.raises(NotFound):
                await driver.get(name)
        for stage in found.stages if found.deleted is None else ():
            read = await driver.get(name, stage=stage)
            assert read.value.reveal() == vault.value(name, stage=stage)

    for prefix in {prefix for name in theirs for prefix in second.prefixes(name)}:
        under = {name for name in theirs if prefix in second.prefixes(name)}
        assert set(await listed(driver, prefix)) == under
        assert {found.name for found in vault.under(prefix)} == under


# -- (2) what skykeep writes

VALUES = {
    "values/text": "geheim: ü".encode(),
    "values/empty": b"",
    "values/zero": bytes(3),
    "values/binary": bytes(range(256)) * 3,
    "values/large": bytes(range(256)) * 4 * 1024,
    "single": b"no prefix",
    "deep/er/and/deeper/still": b"x",
    "native:Foreign name/€": b"native",
    "a" * 255: b"long",
}


@pytest.mark.asyncio
async def test_the_second_reads_what_skykeep_writes(place: Place) -> None:
    place.create()
    expires = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    async with place.driver() as driver:
        for name, value in VALUES.items():
            await driver.create(name, SecretValue(value), Attributes())
        await driver.annotate(
            "single",
            Attributes(metadata={"owner": "Zoë", "": "x"}, tags={"a": "b"}, expires_at=expires),
        )
        with place.by_second() as vault:
            assert vault.verify() == second.Counts(len(VALUES), len(VALUES), 5)
            await assert_same(driver, vault)

    with place.by_second() as vault:
        for name, value in VALUES.items():
            assert vault.value(name) == value
        assert {found.name for found in vault.under("values")} == {
            name for name in VALUES if name.startswith("values/")
        }
        assert vault.under("native:Foreign name") == []
        kept = vault.record("single")
        assert (kept.metadata, kept.tags) == ({"owner": "Zoë", "": "x"}, {"a": "b"})
        assert kept.expires == micros(expires)
        with pytest.raises(second.Absent):
            vault.record("values")


@pytest.mark.asyncio
async def test_the_second_reads_versions_and_stages_of_skykeep(keyed: Place) -> None:
    keyed.create()
    async with keyed.driver() as driver:
        await driver.create("a/b", SecretValue("1"), Attributes())
        await driver.update("a/b", SecretValue("2"), Attributes())
        await driver.update("a/b", SecretValue("3"), Attributes(), stage="pending")
        await driver.update("a/b", SecretValue("3"), Attributes(), stage="pending")
        await driver.move_stage("a/b", "audit.2026", "1")

        with keyed.by_second() as vault:
            kept = vault.record("a/b")
            assert kept.stages == {"current": 2, "previous": 1, "pending": 3, "audit.2026": 1}
            assert [one.number for one in kept.versions] == [1, 2, 3]
            assert [vault.value("a/b", version=number) for number in (1, 2, 3)] == [
                b"1",
                b"2",
                b"3",
            ]
            await assert_same(driver, vault)

            await driver.move_stage("a/b", "current", "3")
            assert vault.value("a/b") == b"3"
            assert vault.record("a/b").stages["previous"] == 2
            await assert_same(driver, vault)


@pytest.mark.asyncio
async def test_the_second_reads_what_skykeep_deleted_and_purged(keyed: Place) -> None:
    keyed.create()
    async with keyed.driver() as driver:
        for name in ("a/kept", "a/deleted", "a/purged", "b/purged", "a/restored"):
            await driver.create(name, SecretValue(name), Attributes())
            await driver.update(name, SecretValue(name + "!"), Attributes())
        with keyed.by_second() as vault:
            serial = vault.record("a/purged").serial
        await driver.delete("a/deleted")
        await driver.delete("a/restored")
        await driver.restore("a/restored")
        await driver.delete("a/purged")
        await driver.purge("a/purged")
        await driver.purge("b/purged")

        with keyed.by_second() as vault:
            assert vault.verify() == second.Counts(secrets=3, versions=6, prefixes=1)
            assert vault.record("a/deleted").deleted is not None
            assert vault.value("a/deleted") == b"a/deleted!"
            assert vault.record("a/restored").deleted is None
            assert vault.under("b") == []
            with pytest.raises(second.Absent):
                vault.record("a/purged")
            await assert_same(driver, vault)

            await driver.create("a/purged", SecretValue("again"), Attributes())
            assert vault.record("a/purged").serial != serial
            assert vault.record("a/purged").last == 1
            await assert_same(driver, vault)


@pytest.mark.asyncio
async def test_the_second_reads_a_target_with_a_prefix(keyed: Place) -> None:
    keyed.create()
    keyed.secret_prefix = "team/one/"
    async with keyed.driver() as driver:
        await driver.create("db/password", SecretValue("1"), Attributes())
        await driver.create("native:as it is", SecretValue("2"), Attributes())
        assert set(await listed(driver)) == {"db/password"}
    with keyed.by_second() as vault:
        vault.verify()
        assert {found.name for found in vault.records()} == {
            "team/one/db/password",
            "native:as it is",
        }
        assert [found.name for found in vault.under("team")] == ["team/one/db/password"]


@pytest.mark.asyncio
async def test_the_second_reads_a_secret_whose_old_versions_went(keyed: Place) -> None:
    keyed.create()
    keyed.keep_versions = 2
    async with keyed.driver() as driver:
        await driver.create("a", SecretValue("1"), Attributes())
        await driver.move_stage("a", "first", "1")
        for number in range(2, 7):
            await driver.update("a", SecretValue(str(number)), Attributes())
        with keyed.by_second() as vault:
            kept = vault.record("a")
            assert [one.number for one in kept.versions] == [1, 5, 6]
            assert kept.last == 6
            await assert_same(driver, vault)


def test_what_skykeep_makes_has_the_form_of_the_page(place: Place) -> None:
    place.create()

    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(place.path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        columns = {
            table: [
                row[0]
                for row in database.execute("SELECT name FROM pragma_table_info(?)", (table,))
            ]
            for (table,) in database.execute("SELECT name FROM sqlite_schema").fetchall()
        }
        body = database.execute("SELECT body FROM header").fetchone()[0]
    assert columns == {
        "header": ["id", "body", "digest"],
        "secret": ["name_key", "current", "record"],
        "version": ["id", "sealed"],
        "path": ["prefix", "name_key"],
        "directory": ["prefix", "record"],
        "counter": ["id", "sealed"],
    }
    fields = json.loads(body)
    assert fields.keys() == {"format", "vault", "epoch", "slots"}
    assert (fields["format"], fields["epoch"]) == (1, 1)
    for slot in fields["slots"]:
        assert slot.keys() == {"id", "kind", "salt", "wrapped", "argon2id"}
    with place.by_second() as vault:
        assert vault.verify() == second.Counts(0, 0, 0)


# -- any sequence of operations, by either

NAMES = ["a", "a/b", "a/b/c", "b/b", "native:a/b", "A/b"]
STAGES = ["current", "pending", "previous", "other"]


@dataclass
class Expected:
    """What a secret should be."""

    values: dict[int, bytes]
    stages: dict[str, int]
    metadata: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    def move(self, stage: str, number: int) -> None:
        before = self.stages.get(stage)
        if stage == "current" and before not in (None, number):
            self.stages["previous"] = self.stages["current"]
        self.stages[stage] = number


STEPS = st.one_of(
    st.tuples(
        st.just("put"),
        st.sampled_from(NAMES),
        st.sampled_from(STAGES),
        st.one_of(st.sampled_from([b"", b"1"]), st.binary(max_size=40)),
        st.booleans(),
    ),
    st.tuples(
        st.sampled_from(["annotate", "move", "delete", "restore", "purge"]),
        st.sampled_from(NAMES),
        st.sampled_from(STAGES),
        st.binary(max_size=4),
        st.booleans(),
    ),
)
Step = tuple[str, str, str, bytes, bool]


async def take(
    step: Step, driver: SecretDriver, vault: second.Vault, model: dict[str, Expected]
) -> None:
    """Do it by one of the two, and to the model."""
    what, name, stage, value, by_second = step
    known = model.get(name)
    if what == "put" and known is None:
        if by_second:
            vault.put(name, value)
        else:
            await driver.create(name, SecretValue(value), Attributes())
        model[name] = Expected({1: value}, {"current": 1})
    elif known is None:
        with pytest.raises(NotFound):
            await driver.describe(name)
        with pytest.raises(second.Absent):
            vault.record(name)
    elif what == "purge":
        if by_second:
            vault.purge(name)
        else:
            await driver.purge(name)
        del model[name]
    elif what == "restore" and known.deleted:
        await driver.restore(name)
        known.deleted = False
    elif known.deleted:
        with pytest.raises(NotFound):
            await driver.get(name)
    elif what == "put":
        number = max(known.values) + 1
        if by_second:
            assert vault.put(name, value, stage=stage) == number
        else:
            at = known.stages.get(stage)
            written = await driver.update(name, SecretValue(value), Attributes(), stage=stage)
            if at is not None and known.values[at] == value:
                assert (written.version, written.changed) == (str(at), False)
                return
            assert written.version == str(number)
        known.values[number] = value
        known.move(stage, number)
    elif what == "annotate":
        known.metadata = {"value": value.hex()}
        await driver.annotate(name, Attributes(metadata=known.metadata))
    elif what == "move":
        number = sorted(known.values)[len(value) % len(known.values)]
        await driver.move_stage(name, stage, str(number))
        known.move(stage, number)
    elif what == "delete":
        if by_second:
            vault.delete(name)
        else:
            await driver.delete(name)
        known.deleted = True


def assert_as_expected(vault: second.Vault, model: Mapping[str, Expected]) -> None:
    counts = vault.verify()
    assert counts.secrets == len(model)
    assert counts.versions == sum(len(known.values) for known in model.values())
    found = {one.name: one for one in vault.records()}
    assert found.keys() == model.keys()
    for name, known in model.items():
        assert found[name].stages == known.stages
        assert found[name].metadata == known.metadata
        assert (found[name].deleted is not None) is known.deleted
        for number, value in known.values.items():
            assert vault.value(name, version=number) == value


@settings(max_examples=40, deadline=None)
@given(by_second=st.booleans(), steps=st.lists(STEPS, max_size=14))
def test_any_sequence_of_writes_is_the_same_to_both(by_second: bool, steps: list[Step]) -> None:
    async def run(directory: Path) -> None:
        place = Place(directory / "vault.db", key_file=directory / "vault.key")
        if by_second:
            place.create_second().close()
        else:
            place.create()
        model: dict[str, Expected] = {}
        async with place.driver() as driver:
            with place.by_second() as vault:
                for step in steps:
                    await take(step, driver, vault, model)
                assert_as_expected(vault, model)
                await assert_same(driver, vault)
        with place.by_second() as vault:
            assert_as_expected(vault, model)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


# -- (3) what the second writes


@pytest.mark.asyncio
async def test_skykeep_reads_and_updates_what_the_second_writes(place: Place) -> None:
    expires = second.micros() + 10**9
    with place.create_second() as vault:
        for name, value in VALUES.items():
            vault.put(name, value)
        vault.put("values/text", b"newer", metadata={"a": "ü"}, tags={"t": ""}, expires=expires)
        vault.put("values/text", b"pending", stage="pending")
        vault.put("values/old", b"old")
        vault.delete("values/old")
        vault.put("values/gone", b"gone")
        vault.purge("values/gone")

        async with place.driver() as driver:
            await assert_same(driver, vault)
            read = await driver.get("values/text")
            assert read.value.reveal() == b"newer"
            assert (read.version, read.metadata, read.tags) == ("2", {"a": "ü"}, {"t": ""})
            assert micros(read.expires_at) == expires
            read = await driver.get("values/text", stage="previous")
            assert read.value.reveal() == VALUES["values/text"]
            with pytest.raises(NotFound):
                await driver.get("values/gone")

            await driver.move_stage("values/text", "current", "3")
            await driver.update("values/empty", SecretValue("no more"), Attributes())
            await driver.restore("values/old")
            await driver.purge("values/large")
            await driver.create("values/gone", SecretValue("back"), Attributes())
            await driver.create("other/new", SecretValue("new"), Attributes(tags={"n": "1"}))
            await driver.annotate("values/text", Attributes(expires_at=None))
            await assert_same(driver, vault)

    with place.by_second() as vault:
        assert vault.value("values/text") == b"pending"
        assert vault.record("values/text").expires is None
        assert vault.value("values/empty") == b"no more"
        assert vault.value("values/old") == b"old"
        assert vault.value("values/gone") == b"back"
        assert vault.value("other/new") == b"new"
        with pytest.raises(second.Absent):
            vault.record("values/large")
        vault.verify()


@pytest.mark.asyncio
@pytest.mark.parametrize("unlocked_by", ["key file", "passphrase"])
async def test_both_read_the_vault_of_the_vectors(tmp_path: Path, unlocked_by: str) -> None:
    expected = VECTORS["vault"]
    place = Place(copied_vault(tmp_path), passphrase=expected["passphrase"])
    if unlocked_by == "key file":
        place.key_file = tmp_path / "vault.key"
        place.key_file.touch(mode=0o600)
        place.key_file.write_bytes(unhex(expected["key_file"]))

    async with place.driver() as driver:
        with place.by_second() as vault:
            await assert_same(driver, vault)
            for found, secret in zip(vault.records(), expected["secrets"], strict=True):
                values = secret["values"]
                assert {**make_vectors.shown(found), "values": values} == secret
                for number, value in values.items():
                    assert vault.value(found.name, version=int(number)) == unhex(value)
                    if found.deleted is None:
                        read = await driver.get(found.name, version=number)
                        assert read.value.reveal() == unhex(value)
            for prefix, names in expected["under"].items():
                assert sorted(found.name for found in vault.under(prefix)) == names
                assert sorted(await listed(driver, prefix)) == names


# -- (4) what was changed is refused

CONTENT = {
    "db/main/password": [b"one", b"two", b"three"],
    "db/replica": [b"six"],
    "api/key": [b"ten", b"six"],
    "top": [b"top"],
    "native:x/y": [b"xy!"],
}
DELETED = "db/deleted"
ABSENT = ["db/absent", "absent"]
PREFIXES = ["db", "db/main", "api"]


async def fill(place: Place) -> None:
    place.create()
    async with place.driver() as driver:
        for name, values in CONTENT.items():
            await driver.create(name, SecretValue(values[0]), Attributes())
            for value in values[1:]:
                await driver.update(name, SecretValue(value), Attributes())
        await driver.create(DELETED, SecretValue("deleted"), Attributes())
        await driver.delete(DELETED)


async def sweep(driver: SecretDriver) -> set[str]:
    """Read everything: each answer is the right one or ``Corrupt``. Which were ``Corrupt``."""
    refused: set[str] = set()

    async def read(what: str, expected: object, work: Callable[[], Any]) -> None:
        try:
            answer = await work()
        except Corrupt:
            refused.add(what)
        else:
            assert answer == expected, what

    for name, values in CONTENT.items():
        for number in (None, *range(1, len(values) + 1)):

            async def value(name: str = name, number: int | None = number) -> bytes:
                version = None if number is None else str(number)
                return (await driver.get(name, version=version)).value.reveal()

            expected = values[-1 if number is None else number - 1]
            await read(f"{name}@{number or 'current'}", expected, value)

        async def described(name: str = name) -> object:
            known = await driver.describe(name)
            return known.name, known.version, [one.id for one in await driver.versions(name)]

        numbers = [str(number) for number in range(len(values), 0, -1)]
        await read(f"{name} described", (name, numbers[0], numbers), described)

    for name in (*ABSENT, DELETED):

        async def missing(name: str = name) -> str:
            try:
                await driver.get(name)
            except NotFound:
                return "not found"
            return "found"

        await read(f"{name} missing", "not found", missing)

    names = {*CONTENT, DELETED}
    for prefix in ("", *PREFIXES):

        async def listing(prefix: str = prefix) -> set[str]:
            return set(await listed(driver, prefix))

        under = {name for name in names if not prefix or prefix in second.prefixes(name)}
        await read(f"list {prefix}", under, listing)
    return refused


@dataclass
class Inside:
    """What a tampering needs to know of the vault: the keys that stand for names."""

    database: sqlite3.Connection
    index_key: bytes
    rows: dict[str, list[int]]

    def name(self, name: str) -> bytes:
        return second.name_key(self.index_key, name)

    def prefix(self, prefix: str) -> bytes:
        return second.prefix_key(self.index_key, prefix)

    def run(self, sql: str, *values: object) -> None:
        assert self.database.execute(sql, values).rowcount > 0

    def one(self, sql: str, *values: object) -> Any:
        return self.database.execute(sql, values).fetchone()[0]

    def swap(self, one: int, other: int) -> None:
        """The sealed values of two rows change places."""
        first, last = (
            self.one("SELECT sealed FROM version WHERE id = ?", row) for row in (one, other)
        )
        self.run("UPDATE version SET sealed = ? WHERE id = ?", last, one)
        self.run("UPDATE version SET sealed = ? WHERE id = ?", first, other)

    def set_record(self, name: str, sealed_record: bytes) -> None:
        self.run(
            "UPDATE secret SET record = ? WHERE name_key = ?", sealed_record, self.name(name)
        )

    def record(self, name: str) -> bytes:
        kept: bytes = self.one("SELECT record FROM secret WHERE name_key = ?", self.name(name))
        return kept


@contextmanager
def inside(place: Place) -> Iterator[Inside]:
    with place.by_second() as vault:
        index_key = vault.index_key
        rows = {found.name: [one.row for one in found.versions] for found in vault.records()}
    with place.edited() as database:
        yield Inside(database, index_key, rows)


def swap_rows(vault: Inside) -> None:
    vault.swap(vault.rows["db/replica"][0], vault.rows["top"][0])


def swap_rows_of_equal_values(vault: Inside) -> None:
    vault.swap(vault.rows["db/replica"][0], vault.rows["api/key"][1])


def swap_versions(vault: Inside) -> None:
    one, _, three = vault.rows["db/main/password"]
    vault.swap(one, three)


def edit_value(vault: Inside) -> None:
    row = vault.rows["top"][0]
    value = bytearray(vault.one("SELECT sealed FROM version WHERE id = ?", row))
    value[14] ^= 0x80
    vault.run("UPDATE version SET sealed = ? WHERE id = ?", bytes(value), row)


def empty_value(vault: Inside) -> None:
    vault.run("UPDATE version SET sealed = x'' WHERE id = ?", vault.rows["top"][0])


def drop_value(vault: Inside) -> None:
    vault.run("DELETE FROM version WHERE id = ?", vault.rows["api/key"][0])


def drop_current_value(vault: Inside) -> None:
    vault.run("DELETE FROM version WHERE id = ?", vault.rows["api/key"][1])


def edit_record(vault: Inside) -> None:
    edited = bytearray(vault.record("db/replica"))
    edited[-1] ^= 1
    vault.set_record("db/replica", bytes(edited))


def shorten_record(vault: Inside) -> None:
    vault.set_record("db/replica", vault.record("db/replica")[:20])


def swap_records(vault: Inside) -> None:
    one, other = vault.record("db/replica"), vault.record("top")
    vault.set_record("db/replica", other)
    vault.set_record("top", one)


def edit_first_record(vault: Inside) -> None:
    vault.run("UPDATE secret SET record = zeroblob(99) WHERE name_key = zeroblob(16)")


def drop_first_record(vault: Inside) -> None:
    vault.run("DELETE FROM secret WHERE name_key = zeroblob(16)")


def drop_secret(vault: Inside) -> None:
    vault.run("DELETE FROM secret WHERE name_key = ?", vault.name("db/main/password"))


def drop_last_secret(vault: Inside) -> None:
    vault.run("DELETE FROM secret WHERE name_key = (SELECT max(name_key) FROM secret)")


def drop_all_secrets(vault: Inside) -> None:
    vault.run("DELETE FROM secret WHERE name_key > zeroblob(16)")


def drop_secret_with_all_that_is_its_own(vault: Inside) -> None:
    key = vault.name("db/replica")
    vault.run("DELETE FROM secret WHERE name_key = ?", key)
    vault.run("DELETE FROM path WHERE name_key = ?", key)
    vault.run("DELETE FROM version WHERE id = ?", vault.rows["db/replica"][0])


def rename_secret(vault: Inside) -> None:
    vault.run(
        "UPDATE secret SET name_key = ? WHERE name_key = ?",
        vault.name("db/absent"),
        vault.name("db/replica"),
    )


def drop_path(vault: Inside) -> None:
    vault.run("DELETE FROM path WHERE name_key = ?", vault.name("db/replica"))


def move_path(vault: Inside) -> None:
    vault.run(
        "UPDATE path SET prefix = ? WHERE name_key = ?",
        vault.prefix("api"),
        vault.name("db/replica"),
    )


def add_path(vault: Inside) -> None:
    vault.run(
        "INSERT INTO path (prefix, name_key) VALUES (?, ?)",
        vault.prefix("db"),
        vault.name("top"),
    )


def replace_path(vault: Inside) -> None:
    """The number of rows stays what it was."""
    vault.run(
        "UPDATE path SET name_key = ? WHERE prefix = ? AND name_key = ?",
        vault.name("top"),
        vault.prefix("db"),
        vault.name("db/replica"),
    )


def drop_counter(vault: Inside) -> None:
    vault.run("DELETE FROM counter")


def edit_counter(vault: Inside) -> None:
    vault.run("UPDATE counter SET sealed = zeroblob(37)")


def drop_directory(vault: Inside) -> None:
    vault.run("DELETE FROM directory WHERE prefix = ?", vault.prefix("db"))


def hide_prefix(vault: Inside) -> None:
    vault.run("DELETE FROM directory WHERE prefix = ?", vault.prefix("db"))
    vault.run("DELETE FROM path WHERE prefix = ?", vault.prefix("db"))


def edit_directory(vault: Inside) -> None:
    vault.run("UPDATE directory SET record = zeroblob(37) WHERE prefix = ?", vault.prefix("db"))


def swap_directory(vault: Inside) -> None:
    other = vault.one("SELECT record FROM directory WHERE prefix = ?", vault.prefix("api"))
    vault.run("UPDATE directory SET record = ? WHERE prefix = ?", other, vault.prefix("db"))


def point_current_at_older(vault: Inside) -> None:
    vault.run(
        "UPDATE secret SET current = ? WHERE name_key = ?",
        vault.rows["db/main/password"][0],
        vault.name("db/main/password"),
    )


def point_current_at_another(vault: Inside) -> None:
    vault.run(
        "UPDATE secret SET current = ? WHERE name_key = ?",
        vault.rows["api/key"][1],
        vault.name("db/replica"),
    )


def point_current_nowhere(vault: Inside) -> None:
    vault.run("UPDATE secret SET current = NULL WHERE name_key = ?", vault.name("top"))


def point_current_at_no_row(vault: Inside) -> None:
    vault.run("UPDATE secret SET current = 9999 WHERE name_key = ?", vault.name("top"))


Tampering = Callable[[Inside], None]
# What was done, and an answer that must be refused after it.
TAMPERINGS: list[tuple[Tampering, str]] = [
    (swap_rows, "top@current"),
    (swap_rows_of_equal_values, "db/replica@current"),
    (swap_versions, "db/main/password@1"),
    (edit_value, "top@current"),
    (empty_value, "top@current"),
    (drop_value, "api/key@1"),
    (drop_current_value, "api/key@current"),
    (edit_record, "db/replica@current"),
    (shorten_record, "db/replica described"),
    (swap_records, "db/replica@current"),
    (edit_first_record, "list "),
    (drop_first_record, "list "),
    (drop_secret, "db/main/password@current"),
    (drop_last_secret, "list "),
    (drop_all_secrets, "top@current"),
    (drop_secret_with_all_that_is_its_own, "db/replica@current"),
    (rename_secret, "db/replica@current"),
    (drop_path, "list db"),
    (move_path, "list db"),
    (add_path, "list db"),
    (replace_path, "list db"),
    (drop_directory, "list db"),
    (hide_prefix, "list db"),
    (edit_directory, "list db"),
    (swap_directory, "list db"),
    (point_current_at_older, "db/main/password@current"),
    (point_current_at_another, "db/replica@current"),
    (point_current_nowhere, "top@current"),
    (point_current_at_no_row, "top@current"),
]


@pytest.mark.asyncio
async def test_nothing_is_refused_before_it_was_changed(keyed: Place) -> None:
    await fill(keyed)
    async with keyed.driver() as driver:
        assert await sweep(driver) == set()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("tamper", "refused"), TAMPERINGS, ids=[tamper.__name__ for tamper, _ in TAMPERINGS]
)
async def test_what_was_changed_is_refused(
    keyed: Place, tamper: Tampering, refused: str
) -> None:
    await fill(keyed)
    with inside(keyed) as vault:
        tamper(vault)

    async with keyed.driver() as driver:
        assert refused in await sweep(driver)
    with keyed.by_second() as vault_of_second, pytest.raises(second.Damaged):
        vault_of_second.verify()


@pytest.mark.asyncio
@pytest.mark.parametrize("tamper", [drop_counter, edit_counter])
async def test_a_vault_without_its_counter_does_not_open(
    keyed: Place, tamper: Tampering
) -> None:
    await fill(keyed)
    with inside(keyed) as vault:
        tamper(vault)

    with pytest.raises(Corrupt):
        await open_secrets(keyed.settings, keyed.context)
    with keyed.by_second() as vault_of_second, pytest.raises(second.Damaged):
        vault_of_second.verify()


@pytest.mark.asyncio
async def test_both_count_every_change_and_only_changes(keyed: Place) -> None:
    keyed.create()
    with keyed.by_second() as vault:
        before = vault.counter()
        async with keyed.driver() as driver:
            await driver.create("top", SecretValue("1"), Attributes())
            assert vault.counter() == before + 1
            vault.put("other", b"2")
            await driver.update("top", SecretValue("1"), Attributes())  # changes nothing
            assert vault.counter() == before + 2
            await driver.update("top", SecretValue("2"), Attributes())
            await driver.purge("other")
        assert vault.counter() == before + 4
    line = next(keyed.path.parent.glob("vault.key.*.counter")).read_text()
    assert line == f"skykeep counter 1 {before + 4:020}\n"


@pytest.mark.asyncio
async def test_a_count_from_before_is_refused(keyed: Place) -> None:
    await fill(keyed)
    with inside(keyed) as vault:
        before = vault.one("SELECT record FROM directory WHERE prefix = ?", vault.prefix("db"))
    async with keyed.driver() as driver:
        await driver.create("db/later", SecretValue("later"), Attributes())
    with inside(keyed) as vault:
        vault.run(
            "UPDATE directory SET record = ? WHERE prefix = ?", before, vault.prefix("db")
        )

    async with keyed.driver() as driver:
        with pytest.raises(Corrupt):
            await listed(driver, "db")
    with keyed.by_second() as vault_of_second, pytest.raises(second.Damaged):
        vault_of_second.under("db")


@pytest.mark.asyncio
async def test_the_value_of_a_purged_secret_does_not_open_in_a_later_one(keyed: Place) -> None:
    await fill(keyed)
    with inside(keyed) as vault:
        before = vault.one("SELECT sealed FROM version WHERE id = ?", vault.rows["top"][0])
    async with keyed.driver() as driver:
        await driver.purge("top")
        await driver.create("top", SecretValue("new"), Attributes())
    with inside(keyed) as vault:
        vault.run("UPDATE version SET sealed = ? WHERE id = ?", before, vault.rows["top"][0])

    async with keyed.driver() as driver:
        with pytest.raises(Corrupt):
            await driver.get("top")


@pytest.mark.asyncio
async def test_a_value_of_another_vault_does_not_open(tmp_path: Path) -> None:
    key_file = tmp_path / "both.key"
    one, other = (Place(tmp_path / f"{name}.db", key_file=key_file) for name in "ab")
    for place in (one, other):
        place.create()
        async with place.driver() as driver:
            await driver.create("top", SecretValue("same"), Attributes())
    with inside(one) as vault:
        value, foreign = vault.one("SELECT sealed FROM version"), vault.record("top")
        first = vault.one("SELECT record FROM secret WHERE name_key = zeroblob(16)")
    with inside(other) as vault:
        vault.run("UPDATE version SET sealed = ?", value)

    async with other.driver() as driver:
        with pytest.raises(Corrupt):
            await driver.get("top")
        with pytest.raises(Corrupt):
            await driver.get("top", version="1")

    with inside(other) as vault:
        vault.set_record("top", foreign)
        vault.run("UPDATE secret SET record = ? WHERE name_key = zeroblob(16)", first)
    async with other.driver() as driver:
        for name in ("top", "absent"):
            with pytest.raises(Corrupt):
                await driver.get(name)


@pytest.mark.asyncio
async def test_what_vanished_cannot_be_created_again(keyed: Place) -> None:
    """A write over damage would make it a fact."""
    await fill(keyed)
    with inside(keyed) as vault:
        drop_secret(vault)

    before = dump(keyed.path)
    async with keyed.driver() as driver:
        for write in (driver.create, driver.update):
            with pytest.raises(Corrupt):
                await write("db/main/password", SecretValue("new"), Attributes())
        with pytest.raises(Corrupt):
            await driver.delete("db/main/password")
        with pytest.raises(Corrupt):
            await driver.purge("db/main/password")
    assert dump(keyed.path) == before


# -- the header, in a file


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.asyncio
async def test_a_damaged_header_is_refused(keyed: Place) -> None:
    await fill(keyed)
    with keyed.edited() as database:
        (body,) = database.execute("SELECT body FROM header").fetchone()
    for position in (0, len(body) // 2, len(body) - 1):
        with keyed.edited() as database:
            edited = bytearray(body)
            edited[position] ^= 4
            database.execute("UPDATE header SET body = ?", (bytes(edited),))
        with pytest.raises(Corrupt):
            await open_secrets(keyed.settings, keyed.context)
        with pytest.raises(second.Damaged):
            keyed.by_second()
    with keyed.edited() as database:
        database.execute("DELETE FROM header")
    with pytest.raises(Corrupt):
        await open_secrets(keyed.settings, keyed.context)


@pytest.mark.asyncio
async def test_a_wrong_key_is_refused(place: Place) -> None:
    await fill(place)
    before = files(place.path.parent)
    wrong = Place(place.path, passphrase="another")
    if place.key_file is not None:
        wrong = Place(place.path, key_file=place.path.parent / "wrong.key")
        assert wrong.key_file is not None
        wrong.key_file.touch(mode=0o600)
        wrong.key_file.write_bytes(bytes(32))
        before[wrong.key_file.name] = bytes(32)

    with pytest.raises(KeyFailure):
        await open_secrets(wrong.settings, wrong.context)
    with pytest.raises(second.WrongKey):
        wrong.by_second()
    assert files(place.path.parent) == before


@pytest.mark.asyncio
async def test_a_newer_vault_is_left_alone(keyed: Place) -> None:
    await fill(keyed)
    with keyed.edited() as database:
        (body,) = database.execute("SELECT body FROM header").fetchone()
        newer = json.dumps({**json.loads(body), "format": 2, "more": "than we know"}).encode()
        database.execute(
            "UPDATE header SET body = ?, digest = ?", (newer, sha256(newer).digest())
        )
    before = files(keyed.path.parent)

    with pytest.raises(Unsupported):
        await open_secrets(keyed.settings, keyed.context)
    with pytest.raises(second.NewerFormat):
        keyed.by_second()
    assert files(keyed.path.parent) == before
