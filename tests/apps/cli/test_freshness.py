"""Answers that are not from where they should be are said, and refused when asked so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from skykeep.apps.cli.freshness import origin_of
from skykeep.errors import Unavailable
from skykeep.interfaces.secret_driver import Attributes, Provenance
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets, _shared, share
from tests.apps.cli.harness import Cli

CONFIG = """
production:
  primary: {backend: memory, store: freshness-primary}
  failover: [{backend: memory, store: freshness-failover, name: spare}]
  backups: [{backend: memory, store: freshness-backup}]
  retry: {attempts: 1}
"""
LINE = "skykeep: warning: 'db/password' is from spare (memory): the primary did not answer\n"
READS = {
    "get": ("get", "db/password"),
    "run": ("run", "--set", "A=db/password", "--", "true"),
    "export": ("export", "--format", "json"),
    "inject": ("inject", "app.tmpl"),
}


def keep(driver: MemorySecrets, text: str) -> None:
    asyncio.run(driver.create("db/password", SecretValue(text), Attributes()))


@pytest.fixture
def outage(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """A primary that does not answer, a replica and a backup that do."""
    drivers = {place: MemorySecrets() for place in ("primary", "failover", "backup")}
    for place, driver in drivers.items():
        keep(driver, f"of the {place}")
        share(f"freshness-{place}", driver)
    drivers["primary"].fail_next(Unavailable("down"), times=1000)
    bare.configure(CONFIG)
    (bare.home.parent / "work" / "app.tmpl").write_text('{{ secret "db/password" }}')
    monkeypatch.setattr("skykeep.apps.cli.child.start", lambda words, variables: 0)
    yield bare
    for place in drivers:
        share(f"freshness-{place}", None)


@pytest.mark.parametrize("command", READS)
def test_a_replicas_answer_is_taken_and_said(outage: Cli, command: str) -> None:
    ended = outage(*READS[command])
    assert ended.err == LINE
    if command != "run":
        assert "of the failover" in ended.text


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("option", [("--fail-if-stale",), ("--max-stale", "0")])
def test_it_is_refused_when_asked_so(
    outage: Cli, command: str, option: tuple[str, ...]
) -> None:
    name, *rest = READS[command]
    ended = outage(name, *option, *rest, code=18)
    assert ended.out == b""
    assert ended.err.startswith("skykeep: unavailable: ")


@pytest.mark.parametrize("command", READS)
def test_one_that_is_not_too_far_behind_is_taken(outage: Cli, command: str) -> None:
    name, *rest = READS[command]
    assert outage(name, "--max-stale", "3600", *rest).err == LINE
    outage(name, "--max-stale", "-1", *rest, code=2)


def test_json_says_where_an_answer_is_from(outage: Cli) -> None:
    for command in (("get",), ("describe",)):
        ended = outage(*command, "db/password", "--output", "json")
        where = ended.json["provenance"]
        assert where.pop("age") >= 0
        assert where == {
            "source": "spare (memory)",
            "revision": None,
            "stale": False,
            "degraded": True,
            "cached": False,
        }


def test_describe_says_so_too(outage: Cli) -> None:
    assert outage("describe", "db/password").err == LINE


def test_several_secrets_of_one_replica_are_one_line(outage: Cli) -> None:
    outage.home.parent.joinpath("work", "app.tmpl").write_text(
        '{{ secret "db/password" }}{{ secret "db/other" }}'
    )
    spare = _shared["freshness-failover"]
    asyncio.run(spare.create("db/other", SecretValue("v"), Attributes()))
    ended = outage("export", "--format", "json")
    assert ended.err == LINE.replace("'db/password' is", "2 secrets are")
    assert outage("inject", "app.tmpl").err == ended.err


@pytest.mark.parametrize(
    ("target", "place"),
    [("backups[0]", "backup"), ("backup", "backup"), ("spare", "failover")],
)
def test_a_target_is_read_when_it_is_asked_for(outage: Cli, target: str, place: str) -> None:
    ended = outage("get", "db/password", "--from", target)
    assert (ended.text, ended.err) == (f"of the {place}", "")


def test_a_target_that_is_away_or_not_there(outage: Cli) -> None:
    outage("get", "db/password", "--from", "primary", code=18)
    assert "spare" in outage("get", "db/password", "--from", "none", code=24).err


def test_the_plain_case_is_not_said(cli: Cli) -> None:
    cli("set", "a", "v")
    assert cli("get", "a", "--fail-if-stale", "--max-stale", "60").err == ""


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            Provenance("spare (azure)", 34.4, degraded=True),
            "from spare (azure), which is 34 s behind: the primary did not answer",
        ),
        (
            Provenance("spare (azure)", 1234, stale=True),
            "from spare (azure), which is 1,234 s behind",
        ),
        (
            Provenance("spare (azure)", 0.2, stale=True),
            "from spare (azure), which may be behind",
        ),
        (
            Provenance("primary (aws)", 400, stale=True, cached=True),
            "from primary (aws), kept for 400 s: nobody could be asked",
        ),
        (Provenance("spare (aws)", 0, degraded=True, cached=True), "from spare (aws), kept"),
    ],
)
def test_in_words(where: Provenance, words: str) -> None:
    assert origin_of(where) == words
