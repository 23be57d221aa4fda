"""``diff``, ``sync`` and ``migrate``: which stores are meant, what is told, how they end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from skykeep.apps.cli.drifting import age, cell
from skykeep.drift import Seen
from skykeep.errors import Denied, Unauthenticated
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share
from tests.apps.cli.harness import Cli
from tests.apps.cli.shapes import SHAPES
from tests.apps.cli.test_completion import complete

CONFIG = """\
default_environment: production
staging:
  primary: {backend: memory, store: STORE-a}
production:
  primary: {backend: memory, store: STORE-b}
  failover:
    - {backend: memory, store: STORE-c}
    - {backend: memory, store: STORE-d, name: dr}
  backups: [{backend: memory, store: STORE-e}]
dr:
  primary: {backend: memory, store: STORE-d}
"""


@dataclass
class Home:
    """A home with five stores: ``a`` of staging, ``b`` to ``e`` of production."""

    cli: Cli
    stores: dict[str, MemorySecrets]

    def put(self, store: str, name: str, value: str, **attributes: Any) -> None:
        driver = self.stores[store]
        asyncio.run(driver.create(name, SecretValue(value), Attributes(**attributes)))

    def held(self, store: str) -> dict[str, str]:
        async def read() -> dict[str, str]:
            driver = self.stores[store]
            page = await driver.list("", cursor=None, limit=1000)
            return {
                info.name: (await driver.get(info.name)).value.text() for info in page.items
            }

        return asyncio.run(read())


@pytest.fixture
def home(bare: Cli, tmp_path: Path) -> Iterator[Home]:
    stores = {
        letter: MemorySecrets(capabilities=replace(EVERYTHING, max_value_bytes=most))
        for letter, most in (("a", 100), ("b", 100), ("c", 100), ("d", 10), ("e", 100))
    }
    for letter, driver in stores.items():
        share(f"{tmp_path.name}-{letter}", driver)
    bare.configure(CONFIG.replace("STORE", tmp_path.name))
    yield Home(bare, stores)
    for letter in stores:
        share(f"{tmp_path.name}-{letter}", None)


# -- which stores are meant


PRIMARY, FIRST, SECOND, BACKUP = (
    ("production:primary", "b"),
    ("production:failover", "c"),
    ("production:dr", "d"),
    ("production:backup", "e"),
)


@pytest.mark.parametrize(
    ("words", "a", "b"),
    [
        ("primary failover", PRIMARY, FIRST),
        ("failover[0] failover[1]", FIRST, ("production:dr", "d")),
        ("backup production:dr", BACKUP, SECOND),
        ("staging production", ("staging:primary", "a"), PRIMARY),
        ("staging: backups[0]", ("staging:primary", "a"), BACKUP),
    ],
)
def test_the_words_for_a_store(
    home: Home, words: str, a: tuple[str, str], b: tuple[str, str]
) -> None:
    home.put(a[1], "of/a", "v")
    home.put(b[1], "of/b", "v")
    found = home.cli("diff", *words.split(), "--output", "json", code=1).json
    assert (found["a"], found["b"]) == (a[0], b[0])
    assert [(each["name"], each["kind"]) for each in found["secrets"]] == [
        ("of/a", "only_in_a"),
        ("of/b", "only_in_b"),
    ]


@pytest.mark.parametrize("b", ["backup", "backups[0]", "production:backups"])
def test_a_store_is_not_compared_with_itself(home: Home, b: str) -> None:
    assert "A and B are the same store" in home.cli("diff", "backups", b, code=13).err


@pytest.mark.parametrize(
    ("words", "says", "tells"),
    [
        ("nowhere", "there is no target 'nowhere' in the environment 'production'",
         "there are: primary, failover, dr, backup; environments: staging, production, dr; or"),
        ("failover[2]", "there is no target 'failover[2]'", "there are: primary, failover, dr"),
        ("staging:failover", "there is no target 'failover'", "there are: primary;"),
        ("nobody:primary", "there is no environment 'nobody'", "staging, production, dr"),
    ],
)  # fmt: skip
def test_words_that_name_no_store(home: Home, words: str, says: str, tells: str) -> None:
    for pair in (("primary", words), (words, "primary")):
        ended = home.cli("sync", *pair, "--yes", code=24)
        assert says in ended.err
        assert tells in ended.err


def test_a_word_that_means_two_stores(home: Home) -> None:
    ended = home.cli("diff", "primary", "dr", code=13)
    assert "'dr' is an environment and a target of this one" in ended.err
    assert "say 'dr:primary', or 'ENVIRONMENT:dr'" in ended.err
    assert "same store" in home.cli("diff", "production:dr", "dr:primary", code=13).err


def test_without_a_file_there_is_one_store(cli: Cli) -> None:
    (cli.home / "skykeep.yaml").unlink()
    cli.patch.setenv("SKYKEEP_KEY_FILE", str(cli.key_file))
    assert "same store" in cli("diff", "primary", "primary", code=13).err
    ended = cli("diff", "primary", "production", code=24)
    assert "there is no target 'production' in the environment 'default'" in ended.err
    assert "there are: primary" in ended.err


def test_environments_need_no_chosen_one(home: Home) -> None:
    config = home.cli.home / "skykeep.yaml"
    config.write_text(config.read_text().partition("\n")[2])
    home.cli("diff", "staging", "production")
    assert "several environments" in home.cli("diff", "staging", "failover", code=24).err


def test_flags_of_one_target_are_the_current_ones(home: Home) -> None:
    home.put("b", "x", "v")
    found = home.cli("--secret-prefix", "of/", "diff", "primary", "staging", "--output=json")
    assert found.json["same"]
    assert home.cli("diff", "primary", "staging", code=1).text


def test_the_words_are_completed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complete(home.cli, "skykeep diff st", monkeypatch) == ["staging"]
    assert complete(home.cli, "skykeep sync fail", monkeypatch) == ["failover"]
    assert complete(home.cli, "skykeep migrate primary production:b", monkeypatch) == [
        "production:backup"
    ]
    assert complete(home.cli, "skykeep diff nobody:", monkeypatch) == []


# -- diff


def test_diff_tells_the_same_by_0_and_shows_it_when_asked(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("b", "x", "v")
    ended = home.cli("diff", "staging", "production")
    assert (ended.text, ended.err.splitlines()[-1]) == ("", "1 the same")
    assert "the same  x" in home.cli("diff", "staging", "production", "--all").text


def test_diff_under_a_prefix(home: Home) -> None:
    home.put("a", "db/x", "v")
    home.put("a", "other", "v")
    found = home.cli(
        "diff", "staging", "production", "--prefix", "db/", "--output=json", code=1
    )
    assert [each["name"] for each in found.json["secrets"]] == ["db/x"]


def test_diff_ends_as_what_it_could_not_read_if_nothing_differs(home: Home) -> None:
    for name in ("x", "y"):
        home.put("a", name, "v")
        home.put("b", name, "v")
    home.stores["b"].fail_next(Denied("may not read"), operation="get")
    ended = home.cli("diff", "staging", "production", code=11)
    assert "B: may not read" in ended.text
    assert "1 could not be compared" in ended.err
    home.stores["b"].fail_next(Denied("may not read"), operation="get")
    home.put("a", "z", "v")
    assert "B: may not read" in home.cli("diff", "staging", "production", code=1).text


# -- sync


def test_sync_asks_and_writes_when_somebody_agrees(home: Home) -> None:
    home.put("a", "x", "v")
    refused = home.cli("sync", "staging", "production", stdin=b"n\n", terminal=True, code=1)
    assert "Write 1 secret to B? [y/N]" in refused.err
    assert "nothing was written" in refused.err
    assert home.held("b") == {}
    agreed = home.cli("sync", "staging", "production", stdin=b"y\n", terminal=True)
    assert "1 written and read back" in agreed.err
    assert home.held("b") == {"x": "v"}


def test_sync_that_nobody_can_be_asked_about_writes_nothing(home: Home) -> None:
    home.put("a", "x", "v")
    assert "add --yes" in home.cli("sync", "staging", "production", code=2).err
    home.cli("sync", "staging", "production", "--dry-run")
    assert home.held("b") == {}


def test_sync_with_nothing_to_write_asks_nobody(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("b", "x", "v")
    home.put("b", "own", "w")
    ended = home.cli("sync", "staging", "production")
    assert "1 the same; 1 only in B, left as they are" in ended.err
    assert home.held("b") == {"x": "v", "own": "w"}


def test_sync_says_what_it_skips_and_ends_with_1(home: Home) -> None:
    home.put("b", "long", "more than ten bytes")
    home.put("b", "short", "v")
    ended = home.cli("sync", "primary", "failover[1]", "--yes", code=1)
    assert "it has 19 bytes; B keeps at most 10" in ended.text
    assert home.held("d") == {"short": "v"}


def test_sync_tells_what_failed_and_writes_the_rest(home: Home) -> None:
    for number in range(5):
        home.put("a", f"n/{number}", "v")
    home.stores["b"].fail_next(Denied("may not write"), times=2, operation="create")
    ended = home.cli("sync", "staging", "production", "--yes", code=11)
    assert "3 written and read back" in ended.err
    assert ended.err.count("not written: n/") == 2
    assert "2 of 5 were not copied; 'n/" in ended.err
    assert len(home.held("b")) == 3
    home.cli("sync", "staging", "production", "--yes")
    assert home.held("b") == home.held("a")


def test_sync_in_json_tells_what_failed(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("a", "y", "v")
    home.stores["b"].fail_next(Unauthenticated("expired"), times=9, operation="create")
    ended = home.cli("--output", "json", "sync", "staging", "production", "--yes", code=12)
    jsonschema.validate(ended.json, SHAPES["sync"])
    assert ended.json["written"] == []
    assert [each["error"]["class"] for each in ended.json["failed"]] == ["Unauthenticated"] * 2
    assert ended.error["class"] == "Unauthenticated"


def test_a_concurrent_writer_is_a_conflict(home: Home) -> None:
    home.put("a", "x", "of a")
    home.put("b", "x", "of b")
    driver = home.stores["b"]
    update, calls = driver.update, 0

    async def overtaken(name: str, *args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            await update(name, SecretValue("of others"), Attributes())
        return await update(name, *args, **more)

    home.cli.patch.setattr(driver, "update", overtaken)
    ended = home.cli("sync", "staging", "production", "--yes", code=14)
    assert "not written: x: " in ended.err
    assert home.held("b") == {"x": "of others"}


def test_a_sync_that_is_broken_off_says_how_far_it_came(home: Home) -> None:
    for number in range(200):
        home.put("a", f"n/{number}", "v")
    driver = home.stores["b"]
    create, calls = driver.create, 0

    async def broken(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 150:
            raise KeyboardInterrupt
        return await create(*args, **more)

    home.cli.patch.setattr(driver, "create", broken)
    ended = home.cli("sync", "staging", "production", "--yes", code=130)
    (count,) = re.findall(r"(\d+) written and read back; for the rest run it again", ended.err)
    assert 0 < int(count) <= len(home.held("b")) < 200
    home.cli.patch.setattr(driver, "create", create)
    home.cli("sync", "staging", "production", "--yes")
    assert home.held("b") == home.held("a")


# -- migrate


def test_migrate_says_that_a_can_be_retired(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("a", "y", "v")
    home.put("b", "y", "v")
    ended = home.cli("migrate", "staging", "production", "--yes")
    assert "A can be retired: B holds the current values of all 2" in ended.err
    again = home.cli("migrate", "staging", "production", "--output", "json").json
    assert (again["retire"], again["written"], again["remains"]) == (True, [], [])


def test_migrate_verifies_by_values_what_was_there_before(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("b", "y", "v")
    home.put("a", "y", "v")
    before = home.stores["b"].calls["get"]
    home.cli("migrate", "staging", "production", "--yes")
    # y for the plan; x read back; both at the end.
    assert home.stores["b"].calls["get"] - before == 4


def test_migrate_says_what_still_differs(home: Home) -> None:
    home.put("b", "long", "more than ten bytes")
    home.put("b", "short", "v")
    ended = home.cli("migrate", "primary", "production:dr", "--yes", code=1)
    assert "A cannot be retired: 1 are not the same in B" in ended.err
    assert "only in A  long" in ended.text
    found = home.cli("migrate", "primary", "production:dr", "--yes", "--output=json", code=1)
    assert found.json["retire"] is False
    assert [each["name"] for each in found.json["remains"]] == ["long"]


def test_migrate_that_failed_says_what_remains_and_ends_as_the_failure(home: Home) -> None:
    home.put("a", "x", "v")
    home.put("a", "y", "v")
    home.stores["b"].fail_next(Denied("may not write"), operation="create")
    ended = home.cli("migrate", "staging", "production", "--yes", code=11)
    assert "A cannot be retired: 1 are not the same in B" in ended.err


def test_a_dry_run_of_migrate_verifies_nothing(home: Home) -> None:
    home.put("a", "x", "v")
    found = home.cli("migrate", "staging", "production", "--dry-run", "--output", "json").json
    assert (found["retire"], found["dry_run"]) == (None, True)
    assert home.held("b") == {}


def test_what_b_cannot_keep_is_said(home: Home) -> None:
    home.stores["b"].capabilities = replace(EVERYTHING, metadata=False)
    home.put("a", "x", "v", metadata={"k": "1"})
    ended = home.cli("migrate", "staging", "production", "--yes")
    assert "without metadata: B keeps none" in ended.text
    assert "1 are in B without what it cannot keep" in ended.err


# -- in general


def test_the_json_has_the_promised_shapes(home: Home) -> None:
    home.put("b", "long", "more than ten bytes")
    home.put("b", "short", "v", metadata={"k": "1"})
    home.put("d", "own", "v")
    for command, more in (
        ("diff", ()),
        ("sync", ("--dry-run",)),
        ("migrate", ("--yes",)),
        ("diff", ("--all",)),
    ):
        words = (command, "primary", "production:dr", *more, "--output", "json")
        jsonschema.validate(home.cli(*words, code=None).json, SHAPES[command])


@pytest.mark.parametrize("command", ["diff", "sync", "migrate"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_no_value_is_shown(home: Home, command: str, output: str) -> None:
    value = "canary-5f3a9c"
    for name in ("x", "y"):
        home.put("a", name, value)
        home.put("b", name, f"{value}-of-b")
    home.stores["b"].fail_next(Denied("may not"), operation="update")
    home.cli.patch.setenv("SKYKEEP_LOG", "debug")
    yes = () if command == "diff" else ("--yes",)
    ended = home.cli("--output", output, command, "staging", "production", *yes, code=None)
    assert ended.code != 70
    assert value not in ended.text + ended.err


def test_cells_and_ages() -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    ages = {0: "new", 59: "new", 61: "1m", 3599: "59m", 3601: "1h", 47 * 3600: "47h",
            49 * 3600: "2d", 40 * 86400 + 60: "40d"}  # fmt: skip
    assert {s: age(now - timedelta(seconds=s)) for s in ages} == ages
    assert cell(None) == "-"
    assert cell(Seen(version=None, changed_at=None)) == "there"
    assert cell(Seen(version="3", changed_at=now, digest="1a2b3c4d")) == "3 (new, #1a2b3c4d)"
    assert cell(Seen(version="0123456789abcdef", changed_at=None)) == "0123456789a…"
