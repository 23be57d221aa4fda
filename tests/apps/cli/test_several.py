"""Commands in an environment of several targets: what is owed, shown and brought."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import jsonschema
import pytest

from skykeep import registry
from skykeep.errors import Denied, NotFound, Unavailable
from skykeep.interfaces.provider import OpenContext, Provider
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets, open_secrets, share
from skykeep.providers.memory.settings import MemorySettings
from tests.apps.cli.harness import Cli
from tests.apps.cli.shapes import SHAPES
from tests.apps.cli.test_start import modules_after

NAME = "db/password"
CONFIGURATION = """
default_environment: production
production:
  primary: {backend: memory, store: a}
  failover: {backend: memory, store: b}
  backups: [{backend: memory, store: c}]
  retry: {attempts: 1}
  writes: WRITES
  scope: {tenant: acme}
"""


@dataclass
class Fleet:
    """The stores behind the configuration, and the command line."""

    cli: Cli
    a: MemorySecrets
    b: MemorySecrets
    c: MemorySecrets

    def held(self, driver: MemorySecrets, name: str = NAME) -> str | None:
        """The value that a store holds, whether it answers or not."""
        beside = MemorySecrets(store=driver.store)
        try:
            found = asyncio.run(beside.get(f"acme/{name}"))
        except NotFound:
            return None
        return found.value.text()

    def others_write(self, driver: MemorySecrets, value: str) -> None:
        """Somebody else writes to one store alone."""
        asyncio.run(driver.update(f"acme/{NAME}", SecretValue(value), Attributes()))

    def in_conflict(self) -> None:
        """Written to the failover target while the primary was away, and to the primary."""
        self.cli("set", NAME, "first")
        away(self.a)
        self.cli("set", NAME, "ours")
        self.a.clear_faults()
        self.others_write(self.a, "theirs")


def away(driver: MemorySecrets) -> None:
    """It does not answer any more."""
    driver.fail_next(Unavailable("it was stopped", sent=False), times=10**6)


@pytest.fixture
def fleet(bare: Cli) -> Iterator[Fleet]:
    drivers = {name: MemorySecrets() for name in "abc"}
    for name, driver in drivers.items():
        share(name, driver)
    bare.configure(CONFIGURATION.replace("WRITES", "failover"))
    yield Fleet(bare, **drivers)
    for name in drivers:
        share(name, None)


OWED = (
    "skykeep: warning: {} still owed to backup (memory): kept in this host's journal; "
    "bring it with: skykeep reconcile\n"
)


# -- commands that write


def test_a_write_is_with_all_targets_when_the_command_ends(fleet: Fleet) -> None:
    ended = fleet.cli("set", NAME, "v")
    assert (ended.text, ended.err) == (f"{NAME}: version 1\n", "")
    assert [fleet.held(each) for each in (fleet.a, fleet.b, fleet.c)] == ["v"] * 3
    fleet.cli("rm", NAME)
    assert [fleet.held(each) for each in (fleet.a, fleet.b, fleet.c)] == [None] * 3


def test_what_a_target_could_not_get_is_said(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    away(fleet.c)
    assert fleet.cli("set", NAME, "w").err == OWED.format("1 write is")
    ended = fleet.cli("set", "other", "x", "--output", "json")
    assert ended.json == {"name": "other", "version": "1", "changed": True, "stage": "current"}
    warning = json.loads(ended.err)["warning"]["message"]
    assert f"skykeep: warning: {warning}\n" == OWED.format("2 writes are")
    assert fleet.held(fleet.c) == "v"


def test_what_was_written_before_an_error_is_brought_too(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    fleet.cli("rm", NAME, "there/is/none", code=10)
    assert [fleet.held(each) for each in (fleet.a, fleet.b, fleet.c)] == [None] * 3
    fleet.cli("set", "other", "v")
    away(fleet.c)
    assert OWED.format("1 write is") in fleet.cli("rm", "other", "none", code=10).err


def test_a_command_that_reads_leaves_what_is_owed_to_others(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    asked = fleet.c.calls.total()
    for words in (("get", NAME), ("ls",), ("describe", NAME), ("history", NAME)):
        assert fleet.cli(*words).err == ""
    assert fleet.c.calls.total() == asked


def test_a_replica_answers_where_the_primary_cannot(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    away(fleet.a)
    assert fleet.cli("get", NAME).out == b"v"


def test_a_replica_answers_where_the_primary_cannot_be_opened(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.cli("set", NAME, "v")

    async def opened(settings: MemorySettings, context: OpenContext) -> MemorySecrets:
        if settings.store == "a":
            raise Unavailable("it cannot be reached", sent=False)
        return await open_secrets(settings, context)

    monkeypatch.setattr("skykeep.providers.memory.secrets.open_secrets", opened)
    assert fleet.cli("get", NAME).out == b"v"
    assert fleet.cli("health", code=1).text.endswith("production: degraded\n")
    fleet.cli.configure("p: {primary: {backend: memory, store: a}}")
    fleet.cli("get", NAME, code=18)


def test_a_replica_answers_while_opening_the_primary_takes_too_long(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.cli("set", NAME, "v")

    async def opened(settings: MemorySettings, context: OpenContext) -> MemorySecrets:
        if settings.store == "a":
            await asyncio.Event().wait()  # a host that drops packets
        return await open_secrets(settings, context)

    def remote(name: str) -> Provider:
        return replace(provider(name), embedded=False)

    provider = registry.provider
    monkeypatch.setattr(registry, "provider", remote)
    monkeypatch.setattr("skykeep.providers.memory.secrets.open_secrets", opened)
    text = CONFIGURATION.replace("WRITES", "primary")
    fleet.cli.configure(f"{text}  attempt_seconds: 0.05\n")
    assert fleet.cli("get", NAME).out == b"v"


def test_an_environment_of_one_target_imports_none_of_it(cli: Cli) -> None:
    loaded = modules_after(cli, "set", "a", "v")
    assert not {name for name in loaded if name.startswith("skykeep.replication")}
    assert "skykeep.apps.cli.settling" not in loaded


def test_a_read_imports_what_reading_needs(fleet: Fleet) -> None:
    loaded = modules_after(fleet.cli, "ls")
    assert "skykeep.replication.setup" in loaded
    assert not loaded & {
        f"skykeep.replication.{each}" for each in ("face", "health", "conflicts", "waiting")
    }


# -- health


def test_health_of_one_target(cli: Cli) -> None:
    cli("set", "a", "v")
    ended = cli("health")
    head, row, status = ended.text.splitlines()
    assert head.split() == ["TARGET", "ROLE", "STATUS", "ANSWER", "OWED", "BEHIND", "SAID"]
    assert row.startswith("primary (local)  primary  up ")
    assert (status, ended.err) == ("default: ok", "")


def test_health_where_there_is_no_vault(bare: Cli) -> None:
    ended = bare("health", code=1)
    assert "refuses" in ended.text
    assert "there is no vault" in ended.text
    assert ended.text.endswith("the embedded default: down\n")


def test_health_when_all_is_well(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    ended = fleet.cli("health")
    assert [row.split()[3:4] for row in ended.text.splitlines()[1:4]] == [["up"]] * 3
    assert ended.text.endswith("\nproduction: ok\n")
    assert ended.err == ""


def test_health_when_a_target_is_away(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    ended = fleet.cli("health", code=1)
    row = ended.text.splitlines()[3].split()
    assert row[:4] == ["backup", "(memory)", "backup", "down"]
    assert row[6] == "2"  # the secret, and what its digest is made with
    assert "Unavailable: it was stopped" in ended.text
    assert ended.text.endswith("\nproduction: degraded\n")
    assert ended.err == (
        "what is owed is brought while a program of this host has the environment open, "
        "or now: skykeep reconcile\n"
    )
    found = fleet.cli("health", "--output", "json", code=1).json
    jsonschema.validate(found, SHAPES["health"])
    assert found["status"] == "degraded"
    assert [each["owed"] for each in found["targets"]] == [0, 0, 2]
    assert found["targets"][2]["behind"] > 0


@pytest.mark.parametrize(
    ("writes", "told"), [("failover", "go there, too"), ("primary", "are refused until")]
)
def test_health_says_what_happens_while_the_primary_is_away(
    fleet: Fleet, writes: str, told: str
) -> None:
    fleet.cli.configure(CONFIGURATION.replace("WRITES", writes))
    away(fleet.a)
    said = fleet.cli("health", code=1).err
    assert said.startswith("reads are answered by failover (memory) and say so; writes ")
    assert told in said
    away(fleet.b)
    assert fleet.cli("health", code=1).text.endswith("production: down\n")


def test_health_of_a_target_that_refuses_us(fleet: Fleet) -> None:
    fleet.b.fail_next(Denied("not for you"), times=10)
    ended = fleet.cli("health", code=1)
    assert "refuses" in ended.text
    assert "Denied: not for you" in ended.text
    assert ended.err == "failover (memory) cannot be used as it is: skykeep doctor\n"


def test_health_of_a_journal_that_cannot_be_read(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    (key,) = (fleet.cli.home / "journal").glob("*.key")
    key.unlink()
    ended = fleet.cli("health", code=1)
    assert ended.err.startswith("what is owed is not known: the journal ")
    fleet.cli("reconcile", code=20)


def test_health_as_metrics(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    ended = fleet.cli("health", "--output", "prometheus", code=1)
    assert ended.err == ""
    assert 'skykeep_target_up{target="backup (memory)",role="backup"} 0\n' in ended.text
    assert (
        'skykeep_target_owed_writes{target="backup (memory)",role="backup"} 2\n' in ended.text
    )
    fleet.cli("ls", "--output", "prometheus", code=2)


# -- reconcile


def test_reconcile_where_nothing_is_owed(fleet: Fleet) -> None:
    fleet.cli("set", NAME, "v")
    told = "nothing is owed: this host has brought all that it wrote\n"
    assert fleet.cli("reconcile").text == told


def test_reconcile_with_one_target(cli: Cli) -> None:
    assert cli("reconcile").text == "nothing is owed: the environment has one target\n"


def test_reconcile_brings_what_is_owed(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    fleet.c.clear_faults()
    shown = fleet.cli("reconcile", "--dry-run", code=1)
    assert [row.split()[:2] for row in shown.text.splitlines()[1:]] == [
        ["skykeep/digest-key", "backup"],
        [NAME, "backup"],
    ]
    assert shown.err == "nothing was brought\n"
    assert fleet.held(fleet.c) is None
    ended = fleet.cli("reconcile")
    assert ended.text.splitlines()[0] == "backup (memory): 2 writes brought"
    assert fleet.held(fleet.c) == "v"
    assert fleet.cli("health").text.endswith("production: ok\n")


def test_reconcile_says_what_a_target_said(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    ended = fleet.cli("reconcile", code=1)
    row = ended.text.splitlines()[-1]
    assert row.startswith(f"{NAME} ")
    assert "backup (memory)  1 " in row
    assert "it was stopped" in row
    found = fleet.cli("reconcile", "--output", "json", code=1).json
    jsonschema.validate(found, SHAPES["reconcile"])
    assert list(found["away"]) == ["backup (memory)"]
    assert [each["targets"] for each in found["owed"]] == [{"backup (memory)": 1}] * 2
    assert "it was stopped" in found["owed"][0]["why"]["backup (memory)"]


def test_a_target_that_refuses_is_no_conflict(fleet: Fleet) -> None:
    fleet.c.fail_next(Denied("not for you"), times=100)
    fleet.cli("set", NAME, "v")
    ended = fleet.cli("reconcile", "--output", "json", code=1)
    assert ended.json["conflicts"] == []
    assert "not for you" in ended.json["owed"][1]["why"]["backup (memory)"]
    assert "not for you" in fleet.cli("reconcile", code=1).text


def test_a_conflict_is_shown_without_a_value(fleet: Fleet) -> None:
    fleet.in_conflict()
    ended = fleet.cli("reconcile", code=1)
    assert f"{NAME}: a conflict since " in ended.text
    rows = [row.split() for row in ended.text.splitlines() if row.startswith("  ")]
    digests = {row[0]: row[3] for row in rows[1:]}
    assert digests["failover"] == digests["backup"] != digests["primary"]
    assert all(digest.startswith("#") for digest in digests.values())
    assert ended.err.endswith(f"keep one side: skykeep reconcile --keep TARGET {NAME}\n")
    found = fleet.cli("reconcile", "--output", "json", code=1)
    jsonschema.validate(found.json, SHAPES["reconcile"])
    (conflict,) = found.json["conflicts"]
    assert conflict["name"] == NAME
    assert conflict["why"]["primary (memory)"].startswith("conflict")
    for text in (ended.text, ended.err, found.text):
        assert "ours" not in text
        assert "theirs" not in text
    health = fleet.cli("health", code=1)
    assert "1 name waits for somebody: " in health.err
    assert [fleet.held(fleet.a), fleet.held(fleet.b)] == ["theirs", "ours"]


@pytest.mark.parametrize(("keep", "value"), [("failover", "ours"), ("primary", "theirs")])
def test_one_side_is_kept(fleet: Fleet, keep: str, value: str) -> None:
    fleet.in_conflict()
    ended = fleet.cli("reconcile", "--keep", keep, NAME, "--yes")
    assert f"{NAME}: what {keep} held is kept\n" in ended.text
    assert [fleet.held(each) for each in (fleet.a, fleet.b, fleet.c)] == [value] * 3
    fleet.cli("reconcile", "--keep", keep, NAME, "--yes", code=13)


def test_nobody_decides_without_being_asked(fleet: Fleet) -> None:
    fleet.in_conflict()
    words = ("reconcile", "--keep", "failover", NAME)
    assert "add --yes" in fleet.cli(*words, code=2).err
    said = fleet.cli(*words, stdin=b"n\n", terminal=True, code=1).err
    assert f"Write to all targets what failover holds of '{NAME}'? [y/N]" in said
    assert "nothing was decided" in said
    assert fleet.held(fleet.a) == "theirs"
    fleet.cli(*words, stdin=b"y\n", terminal=True)
    assert fleet.held(fleet.a) == "ours"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((NAME,), 2),
        (("--keep", "failover"), 2),
        (("--keep", "failover", NAME, "--dry-run"), 2),
        (("--keep", "failver", NAME, "--yes"), 24),
        (("--keep", "failover", NAME, "--yes"), 13),
    ],
)
def test_what_reconcile_is_not_for(fleet: Fleet, words: tuple[str, ...], code: int) -> None:
    fleet.cli("set", NAME, "v")
    fleet.cli("reconcile", *words, code=code)
    assert fleet.held(fleet.c) == "v"


def test_targets_complete(fleet: Fleet) -> None:
    fleet.cli.patch.setenv("_SKYKEEP_COMPLETE", "bash_complete")
    fleet.cli.patch.setenv("COMP_WORDS", "skykeep reconcile --keep f")
    fleet.cli.patch.setenv("COMP_CWORD", "3")
    assert fleet.cli().text == "plain,failover\n"
    fleet.cli.configure("production: {")
    assert fleet.cli().text.strip() == ""


# -- doctor


def statuses(fleet: Fleet, code: int) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for check in fleet.cli("doctor", "--output", "json", code=code).json["checks"]:
        found.setdefault(check["check"], []).append((check["status"], check["message"]))
    return found


def test_doctor_looks_at_all_targets(fleet: Fleet) -> None:
    found = statuses(fleet, 0)
    for target in ("primary", "failover", "backup"):
        assert found[f"{target} (memory)"][-1][1].startswith("answers in ")
    ((status, told),) = found["journal"]
    assert status == "ok"
    assert told.startswith("the first write makes it: ")
    fleet.cli("set", NAME, "v")
    (_, told), (status, beside) = statuses(fleet, 0)["journal"]
    assert str(fleet.cli.home / "journal" / "production-") in told
    assert status == "note"
    assert "protects copies of the journal, not a stolen disk" in beside


def test_doctor_says_where_the_journals_key_is(fleet: Fleet) -> None:
    fleet.cli.key_file.parent.mkdir()
    fleet.cli.key_file.write_bytes(bytes(range(32)))
    fleet.cli.key_file.chmod(0o600)
    text = CONFIGURATION.replace("WRITES", "primary")
    fleet.cli.configure(f"{text}  journal: {{key_file: {fleet.cli.key_file}}}\n")
    fleet.cli("set", NAME, "v")
    found = statuses(fleet, 0)["journal"]
    assert found[-1] == ("ok", f"its key file is {fleet.cli.key_file}")


def test_doctor_says_who_is_away_and_what_is_owed(fleet: Fleet) -> None:
    away(fleet.c)
    fleet.cli("set", NAME, "v")
    found = statuses(fleet, 1)["backup (memory)"]
    assert found[-2:] == [
        ("failed", "Unavailable: it was stopped [backup (memory)]"),
        ("note", "2 writes still owed to it"),
    ]
    away(fleet.a)
    told = ("failed", "Unavailable: it was stopped [primary (memory)]")
    assert told in statuses(fleet, 1)["primary (memory)"]


def test_doctor_says_who_has_a_conflict(fleet: Fleet) -> None:
    fleet.in_conflict()
    fleet.cli("reconcile", code=1)
    found = statuses(fleet, 1)["primary (memory)"]
    assert found[-1] == ("failed", "1 name cannot be brought to it")


def test_doctor_says_which_store_has_no_compare_and_set(fleet: Fleet) -> None:
    fleet.b.capabilities = replace(fleet.b.capabilities, compare_and_set=False)
    status, told = statuses(fleet, 0)["failover (memory)"][-1]
    assert status == "note"
    assert told.startswith("its store has no compare-and-set: ")
