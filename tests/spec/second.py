"""A second implementation of the vault, from ``docs/spec/envelope.md`` and nothing else.

It shares no line with skykeep. What the two write, the other must read: that holds the page
complete and the format what the page says. It is short rather than fast, and no API.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgpack  # type: ignore[import-untyped]  # the package brings no types
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

T = TypeVar("T")

OVERHEAD = 29
ZERO = bytes(16)
FORMAT = 1
DEFAULT_COST = {"memory_kib": 64 * 1024, "passes": 3, "lanes": 4}
CHEAP_COST = {"memory_kib": 64, "passes": 1, "lanes": 1}

SCHEMA = """
CREATE TABLE header (id INTEGER PRIMARY KEY, body BLOB, digest BLOB);
CREATE TABLE secret (name_key BLOB PRIMARY KEY, current INTEGER, record BLOB) WITHOUT ROWID;
CREATE TABLE version (id INTEGER PRIMARY KEY, sealed BLOB);
CREATE TABLE path (prefix BLOB, name_key BLOB, PRIMARY KEY (prefix, name_key)) WITHOUT ROWID;
CREATE TABLE directory (prefix BLOB PRIMARY KEY, record BLOB) WITHOUT ROWID;
CREATE TABLE counter (id INTEGER PRIMARY KEY, sealed BLOB);
"""


class Damaged(Exception):
    """The file is not as it was written."""


class WrongKey(Exception):
    """No slot opens with this key."""


class NewerFormat(Exception):
    """The file is of a later format."""


class Absent(Exception):
    """There is no such secret, version or stage, and that is proven."""


# -- 1. sealed messages


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def context(kind: str, *parts: bytes) -> bytes:
    fields = [kind.encode(), *parts]
    return b"skykeep\x01" + b"".join(u32(len(part)) + part for part in fields)


def seal(key: bytes, nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, plaintext, bound)


def unseal(key: bytes, sealed: object, bound: bytes) -> bytes:
    if not isinstance(sealed, bytes) or len(sealed) < OVERHEAD or sealed[0] != 1:
        raise Damaged("not a sealed message")
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], bound)
    except InvalidTag:
        raise Damaged("a sealed message does not open") from None


# -- 2. keys


def hkdf(material: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(material)


def data_key(dek: bytes, vault_id: bytes) -> bytes:
    return hkdf(dek, vault_id, b"skykeep/1 data")


def index_key(dek: bytes, vault_id: bytes) -> bytes:
    return hkdf(dek, vault_id, b"skykeep/1 index")


def _stand_in(key: bytes, what: bytes, text: str) -> bytes:
    mac = HMAC(key, SHA256())
    mac.update(what + b"\x00" + text.encode())
    return mac.finalize()[:16]


def name_key(key: bytes, name: str) -> bytes:
    return _stand_in(key, b"name", name)


def prefix_key(key: bytes, prefix: str) -> bytes:
    return _stand_in(key, b"prefix", prefix)


def passphrase_kek(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return hash_secret_raw(
        secret=unicodedata.normalize("NFC", passphrase).encode(),
        salt=salt,
        time_cost=cost["passes"],
        memory_cost=cost["memory_kib"],
        parallelism=cost["lanes"],
        hash_len=32,
        type=Type.ID,
        version=0x13,
    )


def key_file_kek(content: bytes, salt: bytes) -> bytes:
    return hkdf(content, salt, b"skykeep/1 key file")


def keyring_kek(content: bytes, salt: bytes) -> bytes:
    return hkdf(content, salt, b"skykeep/1 keyring")


# -- 3. the header


@dataclass(frozen=True)
class Slot:
    id: bytes
    kind: str
    salt: bytes
    wrapped: bytes
    cost: Mapping[str, int] | None

    def kek(self, key: bytes | str) -> bytes | None:
        """The key that wraps; None if this slot is for the other kind of key."""
        if isinstance(key, str) and self.kind == "passphrase" and self.cost is not None:
            return passphrase_kek(key, self.salt, self.cost)
        if isinstance(key, bytes) and self.kind == "key-file":
            return key_file_kek(key, self.salt)
        if isinstance(key, bytes) and self.kind == "keyring":
            return keyring_kek(key, self.salt)
        return None


def wrap(kek: bytes, nonce: bytes, dek: bytes, vault_id: bytes, slot_id: bytes) -> bytes:
    return seal(kek, nonce, dek, context("dek", vault_id, slot_id))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pack_header(vault_id: bytes, slots: list[Slot], epoch: int = 1) -> bytes:
    shown = [
        {
            "id": _b64(slot.id),
            "kind": slot.kind,
            "salt": _b64(slot.salt),
            "wrapped": _b64(slot.wrapped),
            "argon2id": None if slot.cost is None else dict(slot.cost),
        }
        for slot in slots
    ]
    fields = {"format": FORMAT, "vault": _b64(vault_id), "epoch": epoch, "slots": shown}
    return json.dumps(fields).encode()


def parse_header(body: object, digest: object) -> tuple[bytes, list[Slot]]:
    if not isinstance(body, bytes) or hashlib.sha256(body).digest() != digest:
        raise Damaged("the header's digest is another")
    try:
        fields = json.loads(body)
        if fields["format"] > FORMAT:
            raise NewerFormat(f"format {fields['format']}")
        if fields["epoch"] < 1:
            raise ValueError("epochs are counted from 1")
        vault_id = base64.b64decode(fields["vault"], validate=True)
        slots = [
            Slot(
                base64.b64decode(slot["id"], validate=True),
                slot["kind"],
                base64.b64decode(slot["salt"], validate=True),
                base64.b64decode(slot["wrapped"], validate=True),
                slot["argon2id"],
            )
            for slot in fields["slots"]
        ]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Damaged(f"the header cannot be read: {error}") from None
    for slot in slots:
        if slot.cost is not None and (
            slot.cost["passes"] > 100
            or slot.cost["memory_kib"] > 4 * 1024 * 1024
            or slot.cost["lanes"] > 64
        ):
            raise Damaged("a slot asks for more than a reader gives")
    return vault_id, slots


def unlock(vault_id: bytes, slots: list[Slot], key: bytes | str) -> bytes:
    for slot in slots:
        kek = slot.kek(key)
        if kek is not None:
            try:
                return unseal(kek, slot.wrapped, context("dek", vault_id, slot.id))
            except Damaged:
                continue
    raise WrongKey("no slot opens")


# -- 4. records


@dataclass(frozen=True)
class Stored:
    """One version, as a record lists it."""

    number: int
    row: int
    size: int
    created: int


@dataclass(frozen=True)
class Record:
    name: str
    serial: bytes
    next: bytes
    created: int
    updated: int
    deleted: int | None = None
    expires: int | None = None
    last: int = 0
    versions: tuple[Stored, ...] = ()
    stages: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[int, bytes] = field(default_factory=dict)

    def pack(self) -> bytes:
        packed: bytes = msgpack.packb(
            [
                self.name,
                self.serial,
                self.next,
                self.created,
                self.updated,
                self.deleted,
                self.expires,
                self.last,
                [[one.number, one.row, one.size, one.created] for one in self.versions],
                dict(self.stages),
                dict(self.metadata),
                dict(self.tags),
                *([dict(self.stamps)] if self.stamps else ()),
            ]
        )
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> Record:
        fields = msgpack.unpackb(packed, strict_map_key=False)
        if not isinstance(fields, list) or len(fields) not in (12, 13):
            raise Damaged("a record is an array of 12 fields, or of 13")
        fields[8] = tuple(Stored(*version) for version in fields[8])
        record = cls(*fields)
        record.check()
        return record

    def check(self) -> None:
        """What the page says of the fields, and what follows from it."""
        numbers = [one.number for one in self.versions]
        well = (
            isinstance(self.name, str)
            and isinstance(self.serial, bytes)
            and isinstance(self.next, bytes)
            and len(self.serial) == len(self.next) == 16
            and numbers == sorted(set(numbers))
            and all(1 <= number <= self.last for number in numbers)
            and set(self.stages.values()) <= set(numbers)
            and all(one.size >= 0 for one in self.versions)
            and set(self.stamps) <= set(numbers)
            and all(isinstance(one, bytes) and len(one) == 24 for one in self.stamps.values())
        )
        if not well:
            raise Damaged(f"the record of {self.name!r} contradicts itself")

    @property
    def current(self) -> Stored | None:
        return self.at_stage("current")

    def at_stage(self, stage: str) -> Stored | None:
        number = self.stages.get(stage)
        return next((one for one in self.versions if one.number == number), None)

    def at_version(self, number: int) -> Stored | None:
        return next((one for one in self.versions if one.number == number), None)


def prefixes(name: str) -> list[str]:
    if name.startswith(("native:", "key:native:")):
        return []
    segments = name.split("/")
    return ["/".join(segments[:count]) for count in range(1, len(segments))]


# -- the file


@dataclass(frozen=True)
class Counts:
    """How much ``Vault.verify`` looked at."""

    secrets: int
    versions: int
    prefixes: int


def micros() -> int:
    return time.time_ns() // 1000


class Vault:
    """An open vault file. ``random`` and ``clock`` are given where results must repeat."""

    def __init__(
        self,
        database: sqlite3.Connection,
        vault_id: bytes,
        dek: bytes,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] = micros,
    ) -> None:
        self.database = database
        self.id = vault_id
        self.data_key = data_key(dek, vault_id)
        self.index_key = index_key(dek, vault_id)
        self._random = random
        self._clock = clock

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- reading

    def record(self, name: str) -> Record:
        """A secret's record, deleted or not. Raises ``Absent`` only if that is proven."""
        with self._reading():
            return self._find(name)

    def value(self, name: str, *, version: int | None = None, stage: str = "current") -> bytes:
        with self._reading():
            record = self._find(name)
            stored = record.at_stage(stage) if version is None else record.at_version(version)
            if stored is None:
                raise Absent(f"{name!r} has no such version")
            return self._value(record, stored)

    def records(self) -> list[Record]:
        """Every secret, deleted or not, in the order of the ring."""
        with self._reading():
            return [record for _, record in self._ring()][1:]

    def under(self, prefix: str) -> list[Record]:
        """Every secret whose name lies under the prefix, deleted or not."""
        with self._reading():
            key = prefix_key(self.index_key, prefix)
            rows = self._all("SELECT name_key FROM path WHERE prefix = ?", key)
            if len(rows) != self._directory(key)[0]:
                raise Damaged(f"the prefix {prefix!r} has another number of rows")
            found = [self._open(row[0]) for row in rows]
            for record in found:
                if prefix not in prefixes(record.name):
                    raise Damaged(f"{record.name!r} is not under {prefix!r}")
            return found

    def verify(self) -> Counts:
        """Look at every row of every table. Raises ``Damaged``."""
        with self._reading():
            self._counter()
            ring = self._ring()
            records = [record for _, record in ring]
            if [key for key, _ in ring] != [
                row[0] for row in self._all("SELECT name_key FROM secret ORDER BY name_key")
            ]:
                raise Damaged("there are rows beside the ring")
            head = records[0]
            if head.name or head.versions or head.last or head.stages:
                raise Damaged("the first record is no first record")

            rows: set[int] = set()
            paths: set[tuple[bytes, bytes]] = set()
            counts: dict[bytes, int] = {}
            for key, record in ring[1:]:
                for stored in record.versions:
                    self._value(record, stored)
                    if stored.row in rows:
                        raise Damaged("two versions have one row")
                    rows.add(stored.row)
                for prefix in prefixes(record.name):
                    outer = prefix_key(self.index_key, prefix)
                    paths.add((outer, key))
                    counts[outer] = counts.get(outer, 0) + 1

            if {row[0] for row in self._all("SELECT id FROM version")} != rows:
                raise Damaged("there are versions that no record names")
            if set(self._all("SELECT prefix, name_key FROM path")) != paths:
                raise Damaged("the paths are not those of the names")
            ordered = [ZERO, *sorted(counts)]
            if [
                row[0] for row in self._all("SELECT prefix FROM directory ORDER BY prefix")
            ] != ordered:
                raise Damaged("the directories are not those of the names")
            for key, following in zip(ordered, [*ordered[1:], ZERO], strict=True):
                if self._directory(key) != (counts.get(key, 0), following):
                    raise Damaged("a directory has another count or neighbour")
            return Counts(len(records) - 1, len(rows), len(counts))

    # -- writing

    def put(
        self,
        name: str,
        value: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        expires: int | None = None,
        stage: str = "current",
        stamp: bytes | None = None,
    ) -> int:
        """Make the secret, or a version of it; returns the version's number."""
        with self._writing():
            now = self._clock()
            try:
                old = self._find(name)
            except Absent:
                old = self._insert(name, now)
            if old.deleted is not None:
                raise ValueError(f"{name!r} is deleted: purge it first")
            number = old.last + 1
            bound = context("value", self.id, old.serial, name.encode(), u64(number))
            row = self._run(
                "INSERT INTO version (sealed) VALUES (?)", self._seal(value, bound)
            ).lastrowid
            assert row is not None
            stages = dict(old.stages)
            if stage == "current" and "current" in stages:
                stages["previous"] = stages["current"]
            stages[stage] = number
            self._store(
                replace(
                    old,
                    updated=now,
                    expires=old.expires if expires is None else expires,
                    last=number,
                    versions=(*old.versions, Stored(number, row, len(value), now)),
                    stages=stages,
                    metadata=old.metadata if metadata is None else metadata,
                    tags=old.tags if tags is None else tags,
                    stamps=old.stamps if stamp is None else {**old.stamps, number: stamp},
                )
            )
            return number

    def delete(self, name: str) -> None:
        with self._writing():
            now = self._clock()
            self._store(replace(self._find(name), updated=now, deleted=now))

    def purge(self, name: str) -> None:
        with self._writing():
            record = self._find(name)
            key = name_key(self.index_key, name)
            for stored in record.versions:
                self._run("DELETE FROM version WHERE id = ?", stored.row)
            self._run("DELETE FROM secret WHERE name_key = ?", key)
            before = self._before(key)
            self._store(replace(before, next=record.next))
            for prefix in prefixes(name):
                outer = prefix_key(self.index_key, prefix)
                self._run("DELETE FROM path WHERE prefix = ? AND name_key = ?", outer, key)
                self._count_down(outer)

    # -- what they share

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self.database.execute(sql, values)

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self._run(sql, *values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._transaction("BEGIN IMMEDIATE"):
            yield
            self._set_counter(self._counter() + 1)

    def counter(self) -> int:
        """How many transactions changed the vault, at least."""
        with self._reading():
            return self._counter()

    def _counter(self) -> int:
        rows = self._all("SELECT id, sealed FROM counter")
        if len(rows) != 1 or rows[0][0] != 0:
            raise Damaged("there is one counter")
        plain = unseal(self.data_key, rows[0][1], context("counter", self.id))
        if len(plain) != 8 or plain[0] >= 0x80:
            raise Damaged("a counter is a number of 63 bits")
        return int.from_bytes(plain, "big")

    def _set_counter(self, number: int) -> None:
        sealed = self._seal(u64(number), context("counter", self.id))
        self._run("REPLACE INTO counter (id, sealed) VALUES (0, ?)", sealed)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._run(begin)
        try:
            yield
        except BaseException:
            self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    def _seal(self, plaintext: bytes, bound: bytes) -> bytes:
        return seal(self.data_key, self._random(12), plaintext, bound)

    def _key(self, record: Record) -> bytes:
        return name_key(self.index_key, record.name) if record.name else ZERO

    def _opened(self, key: bytes, current: object, sealed: object) -> Record:
        packed = unseal(self.data_key, sealed, context("record", self.id, key))
        record = Record.unpack(packed)
        if self._key(record) != key:
            raise Damaged("a record has the key of another name")
        stored = record.current
        if current != (None if stored is None else stored.row):
            raise Damaged(f"{record.name!r}: the column 'current' names another version")
        return record

    def _open(self, key: bytes) -> Record:
        rows = self._all("SELECT current, record FROM secret WHERE name_key = ?", key)
        if not rows:
            raise Damaged("a row of 'secret' is missing")
        return self._opened(key, *rows[0])

    def _before(self, key: bytes) -> Record:
        rows = self._all(
            "SELECT name_key, current, record FROM secret WHERE name_key < ? "
            "ORDER BY name_key DESC LIMIT 1",
            key,
        )
        if not rows:
            raise Damaged("the ring has no beginning")
        return self._opened(*rows[0])

    def _find(self, name: str) -> Record:
        key = name_key(self.index_key, name)
        rows = self._all("SELECT current, record FROM secret WHERE name_key = ?", key)
        if rows:
            return self._opened(key, *rows[0])
        before = self._before(key)
        if before.next != ZERO and before.next <= key:
            raise Damaged(f"the record of {name!r}, or one before it, is missing")
        raise Absent(f"no secret {name!r}")

    def _ring(self) -> list[tuple[bytes, Record]]:
        ring = [(ZERO, self._open(ZERO))]
        while (key := ring[-1][1].next) != ZERO:
            if key <= ring[-1][0]:
                raise Damaged("the ring turns back")
            ring.append((key, self._open(key)))
        return ring

    def _value(self, record: Record, stored: Stored) -> bytes:
        rows = self._all("SELECT sealed FROM version WHERE id = ?", stored.row)
        if not rows:
            raise Damaged(f"{record.name!r}: the row of version {stored.number} is missing")
        bound = context(
            "value", self.id, record.serial, record.name.encode(), u64(stored.number)
        )
        value = unseal(self.data_key, rows[0][0], bound)
        if len(value) != stored.size:
            raise Damaged(f"{record.name!r}: version {stored.number} has another size")
        return value

    def _store(self, record: Record) -> None:
        key = self._key(record)
        stored = record.current
        self._run(
            "REPLACE INTO secret (name_key, current, record) VALUES (?, ?, ?)",
            key,
            None if stored is None else stored.row,
            self._seal(record.pack(), context("record", self.id, key)),
        )

    def _insert(self, name: str, now: int) -> Record:
        """Put a record without versions into the ring and under its prefixes."""
        key = name_key(self.index_key, name)
        before = self._before(key)
        record = Record(name, self._random(16), before.next, now, now)
        self._store(replace(before, next=key))
        for prefix in prefixes(name):
            outer = prefix_key(self.index_key, prefix)
            self._run("INSERT INTO path (prefix, name_key) VALUES (?, ?)", outer, key)
            self._count_up(outer)
        return record

    def _directory(self, key: bytes) -> tuple[int, bytes]:
        """The count of a prefix and the prefix key that follows; (0, …) if there is none."""
        rows = self._all("SELECT record FROM directory WHERE prefix = ?", key)
        if rows:
            plain = unseal(self.data_key, rows[0][0], context("directory", self.id, key))
            if len(plain) != 24:
                raise Damaged("a directory is a number and a key")
            return int.from_bytes(plain[:8], "big"), plain[8:]
        before = self._directory_before(key)
        following = self._directory(before)[1]
        if following != ZERO and following <= key:
            raise Damaged("a directory is missing from the ring")
        return 0, following

    def _directory_before(self, key: bytes) -> bytes:
        rows = self._all(
            "SELECT prefix FROM directory WHERE prefix < ? ORDER BY prefix DESC LIMIT 1", key
        )
        if not rows:
            raise Damaged("the first directory is missing")
        found: bytes = rows[0][0]
        return found

    def _count_up(self, key: bytes) -> None:
        count, following = self._directory(key)
        if count == 0:
            before = self._directory_before(key)
            self._set_directory(before, self._directory(before)[0], key)
        self._set_directory(key, count + 1, following)

    def _count_down(self, key: bytes) -> None:
        count, following = self._directory(key)
        if count > 1:
            self._set_directory(key, count - 1, following)
            return
        before = self._directory_before(key)
        self._set_directory(before, self._directory(before)[0], following)
        self._run("DELETE FROM directory WHERE prefix = ?", key)

    def _set_directory(self, key: bytes, count: int, following: bytes) -> None:
        sealed = self._seal(u64(count) + following, context("directory", self.id, key))
        self._run("REPLACE INTO directory (prefix, record) VALUES (?, ?)", key, sealed)


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
    database.execute("PRAGMA synchronous = FULL")
    return database


def create_vault(
    path: Path,
    *,
    key: bytes | None = None,
    passphrase: str | None = None,
    cost: Mapping[str, int] = DEFAULT_COST,
    random: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], int] = micros,
) -> Vault:
    """Make a vault file with a slot for each of the keys given."""
    dek, vault_id = random(32), random(16)
    slots = []
    for given in (passphrase, key):
        if given is not None:
            words = isinstance(given, str)
            slot = Slot(
                random(8),
                "passphrase" if words else "key-file",
                random(16),
                b"",
                cost if words else None,
            )
            kek = slot.kek(given)
            assert kek is not None
            wrapped = wrap(kek, random(12), dek, vault_id, slot.id)
            slots.append(replace(slot, wrapped=wrapped))

    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    database = _connect(path)
    vault = Vault(database, vault_id, dek, random, clock)
    try:
        database.execute("PRAGMA journal_mode = WAL").fetchall()
        database.executescript(SCHEMA)
        body = pack_header(vault_id, slots)
        with vault._writing():
            digest = hashlib.sha256(body).digest()
            vault._run("INSERT INTO header VALUES (0, ?, ?)", body, digest)
            now = clock()
            vault._store(Record("", random(16), ZERO, now, now))
            vault._set_directory(ZERO, 0, ZERO)
            vault._set_counter(0)
    except BaseException:
        database.close()
        raise
    return vault


def open_vault(
    path: Path,
    *,
    key: bytes | None = None,
    passphrase: str | None = None,
    random: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], int] = micros,
) -> Vault:
    given = key if key is not None else passphrase
    if given is None:
        raise WrongKey("give a key or a passphrase")
    database = _connect(path)
    try:
        rows = database.execute("SELECT body, digest FROM header WHERE id = 0").fetchall()
        if len(rows) != 1:
            raise Damaged("there is no header")
        vault_id, slots = parse_header(*rows[0])
        return Vault(database, vault_id, unlock(vault_id, slots, given), random, clock)
    except BaseException:
        database.close()
        raise
