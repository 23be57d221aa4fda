"""What is measured. Each case is one row of the table: ours, theirs, the bar."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bench.measure import in_turns, per_await, per_call, process
from skykeep import Cloud, SecretValue
from skykeep.blocking import BlockingCloud
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import CacheSettings, Environment

T = TypeVar("T")
VALUE = "s" * 64
NAME = "db/password"
SEALED = len(VALUE) + 29  # bytes: what the vault keeps of a value of this length
RECORD = 250  # bytes: of a secret with some ten versions


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: the thing measured.
        ours, theirs: figures in ``unit``; ``theirs`` is what it is held against.
        against: what ``theirs`` is.
        bar: the highest figure of ours that is good enough, in ``unit``.
        rule: the bar in words.
    """

    what: str
    ours: float
    theirs: float | None
    against: str
    unit: str
    bar: float
    rule: str

    @property
    def met(self) -> bool:
        return self.ours <= self.bar


def environment(ttl: float | None) -> Environment:
    """Memory behind the layers that a remote store gets."""
    return Environment(
        primary=MemorySettings(backend="memory"), cache=CacheSettings(ttl_seconds=ttl)
    )


class Remote(Cloud):
    """A cloud whose store is in memory and whose layers are those of a remote one."""

    def __init__(self, ttl: float) -> None:
        from skykeep.interfaces.secrets import Secrets
        from skykeep.layers.stack import Stack

        super().__init__(environment(ttl))
        target = self._primary.target
        stack = Stack(self.environment, target, self._tasks, embedded=False)
        self._secrets = Secrets(stack, target)

    async def raw(self) -> SecretDriver:
        driver: SecretDriver = await self._primary.target.driver("secrets")
        return driver


def aws_cached() -> Callable[[], object]:
    """``aws-secretsmanager-caching``, filled once by a client that botocore stubs."""
    import boto3
    from aws_secretsmanager_caching import SecretCache
    from botocore.stub import Stubber

    client = boto3.client(
        "secretsmanager",
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    version = "a" * 32
    stub = Stubber(client)
    stub.add_response(
        "describe_secret",
        {"Name": NAME, "VersionIdsToStages": {version: ["AWSCURRENT"]}},
    )
    stub.add_response(
        "get_secret_value",
        {
            "Name": NAME,
            "VersionId": version,
            "SecretString": VALUE,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": datetime.now(UTC),
        },
    )
    stub.activate()
    cache = SecretCache(client=client)
    assert cache.get_secret_string(NAME) == VALUE
    return lambda: cache.get_secret_string(NAME)


@contextmanager
def loop() -> Iterator[Callable[[Any], Any]]:
    """Runs coroutines on one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


def stack_rows() -> list[Row]:
    """Layers and doors."""
    theirs = aws_cached()
    with loop() as run:
        cached, uncached = Remote(300), Remote(0)
        blocking = BlockingCloud(Remote(0))
        run(cached.secrets.put(NAME, VALUE))
        run(uncached.secrets.put(NAME, VALUE))
        blocking.secrets.put(NAME, VALUE)
        driver = run(uncached.raw())
        found = in_turns(
            {
                "theirs": lambda: per_call(theirs, 2000),
                "cached": lambda: run(per_await(lambda: cached.secrets.get(NAME), 5000)),
                "driver": lambda: run(per_await(lambda: driver.get(NAME), 5000)),
                "stack": lambda: run(per_await(lambda: uncached.secrets.get(NAME), 3000)),
                "blocking": lambda: per_call(lambda: blocking.secrets.get(NAME), 1000),
            }
        )
        blocking.close()
        run(cached.close())
        run(uncached.close())
    return [
        Row(
            "cached `get` through all layers",
            found["cached"],
            found["theirs"],
            "`aws-secretsmanager-caching`, cached",
            "µs",
            found["theirs"] / 3,
            "a third of it",
        ),
        Row(
            "what the layers add to a driver's call",
            found["stack"] - found["driver"],
            found["driver"],
            "the in-memory driver alone",
            "µs",
            50,
            "50 µs",
        ),
        Row(
            "what the blocking door adds",
            found["blocking"] - found["stack"],
            found["stack"],
            "the same call, awaited",
            "µs",
            150,
            "150 µs",
        ),
    ]


class Plain:
    """The same bytes in plain SQLite, as durable: a row for the secret, one for the version."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            (
                "CREATE TABLE secret (name BLOB PRIMARY KEY, current INTEGER, record BLOB)"
                " WITHOUT ROWID"
            ),
            "CREATE TABLE version (id INTEGER PRIMARY KEY, value BLOB)",
        ):
            self.connection.execute(statement)
        for name in names:
            self.connection.execute(
                "INSERT INTO secret VALUES (?, NULL, ?)", (name.encode(), os.urandom(RECORD))
            )
            self.write(name)

    def write(self, name: str) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        row = execute("INSERT INTO version (value) VALUES (?)", (os.urandom(SEALED),)).lastrowid
        execute(
            "UPDATE secret SET current = ?, record = ? WHERE name = ?",
            (row, os.urandom(RECORD), name.encode()),
        )
        execute("COMMIT")

    def read(self, name: str) -> object:
        return self.connection.execute(
            "SELECT s.record, v.value FROM secret s JOIN version v ON v.id = s.current"
            " WHERE s.name = ?",
            (name.encode(),),
        ).fetchone()


def vault_rows(folder: Path) -> list[Row]:
    """The local vault against plain SQLite, in one directory."""
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local import vault
    from skykeep.providers.local.secrets import open_secrets
    from skykeep.providers.local.settings import LocalSettings

    settings = LocalSettings(backend="local", path=str(folder / "vault.db"))
    context = OpenContext("bench", {"SKYKEEP_KEY_FILE": str(folder / "key")}, lambda: folder)
    vault.create(settings, context)
    names = [f"db/{number}" for number in range(1000)]
    plain = Plain(folder / "plain.db", names)
    counter = iter(range(10**9))

    with loop() as run:
        driver = run(open_secrets(settings, context))
        cloud = Cloud(
            Environment(
                primary=LocalSettings(
                    backend="local",
                    path=str(folder / "vault.db"),
                    key_file=str(folder / "key"),
                )
            )
        )
        for name in names:
            run(driver.create(name, SecretValue(VALUE), Attributes()))
        run(cloud.connect())

        def next_name() -> str:
            return names[next(counter) % len(names)]

        def value() -> bytes:
            return f"{next(counter):064d}".encode()

        found = in_turns(
            {
                "read": lambda: run(per_await(lambda: cloud.secrets.get(next_name()), 1000)),
                "plain read": lambda: per_call(lambda: plain.read(next_name()), 1000),
                "write": lambda: run(
                    per_await(
                        lambda: driver.update(next_name(), SecretValue(value()), Attributes()),
                        200,
                    )
                ),
                "plain write": lambda: per_call(lambda: plain.write(next_name()), 200),
                "threaded": lambda: run(
                    per_await(lambda: asyncio.to_thread(plain.write, next_name()), 200)
                ),
            }
        )
        run(cloud.close())
        run(driver.close())
    plain.connection.close()
    return [
        Row(
            "local vault: `get` through all layers",
            found["read"],
            found["plain read"],
            "plain `sqlite3`, in the clear",
            "µs",
            60,
            "60 µs",
        ),
        Row(
            "local vault: durable write of a new version",
            found["write"],
            found["plain write"],
            "the same bytes by plain `sqlite3`, `synchronous=FULL`, in the caller's thread",
            "µs",
            found["plain write"] * 1.5,
            "1.5 times it",
        ),
        Row(
            "the same write",
            found["write"],
            found["threaded"],
            "the same bytes by plain `sqlite3` through `asyncio.to_thread`",
            "µs",
            found["threaded"] * 1.5,
            "1.5 times it",
        ),
    ]


def process_rows(folder: Path) -> list[Row]:
    """Whole commands, from nothing to exit."""
    skykeep = str(Path(sys.executable).with_name("skykeep"))
    environ = {
        "SKYKEEP_HOME": str(folder / "home"),
        "SKYKEEP_KEY_FILE": str(folder / "cli-key"),
    }
    process([skykeep, "init"], environ)
    process([skykeep, "set", NAME, VALUE], environ)
    found = in_turns(
        {
            "bare": lambda: process([sys.executable, "-c", "import argparse, sqlite3"]),
            "version": lambda: process([skykeep, "version"], environ),
            "get": lambda: process([skykeep, "get", NAME], environ),
        },
        rounds=15,
    )
    against = '`python -c "import argparse, sqlite3"`'
    return [
        Row(
            "`skykeep version`, whole process",
            found["version"],
            found["bare"],
            against,
            "ms",
            found["bare"] * 2.5,
            "2.5 times it",
        ),
        Row(
            "`skykeep get` from the local vault, whole process",
            found["get"],
            found["bare"],
            against,
            "ms",
            found["bare"] * 2.5 + 120,
            "2.5 times it + 120 ms",
        ),
    ]


def together_rows(folder: Path) -> list[Row]:
    """Many writes at once."""
    from bench import together

    found = together.measured(folder)
    return [
        Row(
            f"local vault: {together.WRITES:,} `put`s under way at once, all durable",
            found["together"],
            found["alone"],
            "as many, each awaited before the next",
            "ms",
            found["alone"] / 8,
            "an eighth of it",
        )
    ]


def redaction_rows() -> list[Row]:
    """Known values in text."""
    from bench import redaction

    found = redaction.measured()
    return [
        Row(
            f"`{command}`: 100 MB of a log, {redaction.VALUES:,} values of {lengths}",
            found[command, lengths],
            found["re", lengths],
            "one regular expression of them all",
            "ms of one core",
            500,
            "200 MB/s",
        )
        for lengths in redaction.LENGTHS
        for command in ("redact", "scan")
    ]


def rows() -> list[Row]:
    """Everything, in one run."""
    os.environ.pop("SKYKEEP_CONFIG", None)
    with tempfile.TemporaryDirectory(prefix="skykeep-bench-") as name:
        folder = Path(name)
        return [
            *stack_rows(),
            *vault_rows(folder),
            *together_rows(folder),
            *process_rows(folder),
            *redaction_rows(),
        ]
