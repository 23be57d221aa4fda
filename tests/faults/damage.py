"""What a vault says, operation by operation, so that two states of it can be compared."""

from __future__ import annotations

import os
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from skykeep.errors import Corrupt, SkykeepError
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.secrets import LocalSecrets
from tests.providers.local.vaults import Place, change, keep, listed, made

DAMAGED = "Corrupt"
PUT = "put/after/the-damage"

Answers = dict[str, object]


@dataclass
class Known:
    """A vault that was closed cleanly, and everything that it answers.

    Attributes:
        place: where it is.
        content: the bytes of its file.
        names: every name that it keeps, deleted ones too.
        prefixes: every prefix that it can be listed under.
        answers: what it answers to :func:`questions`.
        page: how many names it is asked for at a time.
    """

    place: Place
    content: bytes
    names: list[str]
    prefixes: list[str]
    answers: Answers = field(default_factory=dict)
    page: int = 3

    def tables(self) -> dict[str, list[int]]:
        """The numbers of the pages of each table, its root first."""
        self.put_back()
        pages: dict[str, list[int]] = {}
        with closing(sqlite3.connect(self.place.path)) as connection:
            for name, root in connection.execute("SELECT name, rootpage FROM sqlite_schema"):
                others = connection.execute(
                    "SELECT pageno FROM dbstat WHERE name = ? AND pageno <> ?", (name, root)
                )
                pages[name] = [root, *(page for (page,) in others)]
        self.put_back()
        return pages

    def put_back(self, content: bytes | None = None) -> None:
        """Give the vault this content, no journal from before, and no memory of what was."""
        for counter in self.place.directory.glob("vault.key.*.counter"):
            counter.unlink()
        for suffix in ("-wal", "-shm"):
            self.place.path.with_name(self.place.path.name + suffix).unlink(missing_ok=True)
        self.place.path.write_bytes(self.content if content is None else content)


async def ask(question: Callable[[], Awaitable[object]]) -> object:
    """The answer, or the word for ``Corrupt``. Any other error is the test's failure."""
    try:
        return await question()
    except Corrupt as error:
        return DAMAGED if error.hint else "Corrupt, but not what to do about it"


def questions(
    driver: LocalSecrets, names: list[str], prefixes: list[str], page: int
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Everything that can be asked of a vault about the names and prefixes."""
    asked: dict[str, Callable[[], Awaitable[object]]] = {}
    many = len(names) > 100  # then some questions are enough

    def about(name: str) -> None:
        async def everything() -> object:
            info = await driver.describe(name)
            versions = await driver.versions(name)
            if info.deleted_at is not None:
                return info, tuple(versions)
            values = []
            for version in versions:
                secret = await driver.get(name, version=version.id)
                values.append((secret.value.reveal(), secret.stages))
            return info, tuple(versions), tuple(values)

        async def current() -> object:
            try:
                secret = await driver.get(name)
            except SkykeepError as error:
                if type(error).__name__ == "NotFound" and "was deleted" in str(error):
                    return "deleted"
                raise
            return secret.value.reveal(), secret.version, secret.stages, secret.metadata

        if not many or name in names[::20]:
            asked[f"all of {name}"] = everything
        asked[f"current of {name}"] = current

    def under(prefix: str) -> None:
        for limit in (page,) if many and prefix else (page, 1000):
            for deleted in (False,) if many else (False, True):

                async def names_under(limit: int = limit, deleted: bool = deleted) -> object:
                    return await listed(driver, prefix, limit=limit, deleted=deleted)

                asked[f"list {prefix!r} by {limit}, deleted {deleted}"] = names_under

    for name in names:
        about(name)
    for prefix in prefixes:
        under(prefix)
    return asked


async def answers(vault: Known) -> Answers:
    """What the vault answers now; every answer is ``Corrupt`` if it refuses to open."""
    try:
        async with vault.place.opened() as driver:
            asked = questions(driver, vault.names, vault.prefixes, vault.page)
            return {text: await ask(question) for text, question in asked.items()}
    except Corrupt:
        return {}


async def small_vault(directory: Path) -> Known:
    """A few secrets of every sort: versions, stages, prefixes, deleted, purged, large."""
    place = made(directory, keep_versions=4)
    dice = random.Random(7)
    attributes = Attributes(
        metadata={"owner": "payments"},
        tags={"tier": "gold"},
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    names = ["plain", "db/password", "db/user", "db/replica/password", "empty", "app/a/b/c"]
    async with place.opened() as driver:
        for name in [*names, "large", "db/old", "db/gone", "gone/large"]:
            size = 20_000 if name.endswith("large") else dice.randrange(1, 300)
            value = b"" if name == "empty" else dice.randbytes(size)
            await driver.create(name, SecretValue(value), attributes)
        for _ in range(6):  # more than are kept: the oldest are pruned
            await change(driver, "db/password", dice.randbytes(80))
        await driver.update("db/user", SecretValue(b"next"), Attributes(), stage="pending")
        await driver.delete("db/old")
        await driver.purge("db/gone")
        await driver.purge("gone/large")  # leaves free pages behind
    return await known(
        place,
        [*names, "large", "db/old"],
        ["", "db", "db/replica", "app", "app/a", "app/a/b"],
    )


async def known(place: Place, names: list[str], prefixes: list[str], page: int = 3) -> Known:
    """The vault with its present answers, none of which may be ``Corrupt``."""
    assert not place.path.with_name("vault.db-wal").exists(), "it was not closed cleanly"
    vault = Known(place, place.path.read_bytes(), names, prefixes, page=page)
    vault.answers = await answers(vault)
    assert vault.answers
    assert DAMAGED not in vault.answers.values()
    return vault


async def hold(vault: Known, damaged: bytes, what: str, seen: Counter[str]) -> None:
    """Each answer of the damaged vault is right or ``Corrupt``; a write makes none worse."""
    vault.put_back(damaged)
    before = await answers(vault)
    for text, answer in before.items():
        assert answer in (vault.answers[text], DAMAGED), f"{what}: {text} gave {answer!r}"
    wrong = not before or DAMAGED in before.values()
    seen["noticed" if wrong else "harmless"] += 1
    if not before:
        return
    try:
        async with vault.place.opened() as driver:
            await keep(driver, PUT, os.urandom(300))
            await change(driver, vault.names[0], b"changed after the damage" * 9)
    except Corrupt:
        seen["write refused"] += 1
    else:
        seen["write done"] += 1
    after = await answers(vault)
    for text, answer in before.items():
        if answer == DAMAGED or text.startswith("list ''") or vault.names[0] in text:
            continue
        assert after.get(text) == answer, (
            f"{what}: after a write {text} gave {after.get(text)!r}"
        )


def flipped(content: bytes, place: int, bit: int) -> bytes:
    """The content with one bit the other way round."""
    damaged = bytearray(content)
    damaged[place] ^= 1 << bit
    return bytes(damaged)


def overwritten(content: bytes, place: int, run: bytes) -> bytes:
    """The content with other bytes from this place on, of the same length as before."""
    return (content[:place] + run + content[place + len(run) :])[: len(content)]


def elsewhere(vault: Known, directory: Path) -> Known:
    """The same vault in another directory, to be damaged there."""
    directory.mkdir(parents=True, exist_ok=True)
    place = replace(vault.place, directory=directory)
    place.key_path.write_bytes(vault.place.key_path.read_bytes())
    place.key_path.chmod(0o600)
    place.path.touch(0o600)
    copy = replace(vault, place=place)
    copy.put_back()
    return copy
