"""rollback, promote, tag, expire, purge, and `ls --expiring`."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.errors import Conflict
from tests.apps.cli.harness import Cli


@pytest.fixture
def versions(cli: Cli) -> Cli:
    """``a`` with versions 1, 2 and 3; 3 is current."""
    for value in ("one", "two", "three"):
        cli("set", "a", value)
    return cli


def test_rollback_and_back_again(versions: Cli) -> None:
    assert versions("rollback", "a").text == "a: version 2 is current (was 3)\n"
    assert versions("get", "a").text == "two"
    assert versions("rollback", "a").text == "a: version 3 is current (was 2)\n"
    ended = versions("rollback", "a", "--to", "1", "--output", "json")
    assert ended.json == {"name": "a", "version": "1", "was": "3", "changed": True}
    assert versions("get", "a").text == "one"
    assert versions("rollback", "a", "--to", "1").text == (
        "a: version 1 is current (as before)\n"
    )


def test_rollback_of_what_has_no_such_version(cli: Cli) -> None:
    cli("set", "a", "one")
    ended = cli("rollback", "a", code=10)
    assert "no previous version" in ended.err
    cli("rollback", "a", "--to", "7", code=10)
    cli("rollback", "none", code=10)


def test_a_change_in_between_is_a_conflict(
    versions: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.interfaces.secrets import Secrets

    look = Secrets.versions

    async def looked(self: Secrets, name: str) -> object:
        found = await look(self, name)
        await self.put(name, "by somebody else")
        return found

    monkeypatch.setattr(Secrets, "versions", looked)
    assert versions("rollback", "a", "--output", "json", code=14).error["class"] == (
        Conflict.__name__
    )
    assert versions("get", "a").text == "by somebody else"


def test_promote(versions: Cli) -> None:
    versions("set", "a", "four", "--stage", "pending")
    assert versions("get", "a").text == "three"
    versions("promote", "a", "4", "--expects", "1", code=14)
    assert versions("promote", "a", "4", "--expects", "3").text == (
        "a: version 4 is current (was 3)\n"
    )
    assert versions("get", "a").text == "four"
    versions("promote", "a", "4", "--expects", "3", code=14)
    versions("promote", "a", "9", code=10)


def test_tag(cli: Cli) -> None:
    cli("set", "a", "v", "--tag", "team=web")
    assert cli("tag", "a", "tier=1", "x=a=b").text == "a: team=web, tier=1, x=a=b\n"
    assert cli("tag", "a", "-team", "tier=2").text == "a: tier=2, x=a=b\n"
    assert cli("tag", "a", "-team", "tier=2").text == "a: tier=2, x=a=b (unchanged)\n"
    ended = cli("tag", "a", "--remove", "x", "-tier", "--output", "json")
    assert ended.json == {"name": "a", "tags": {}, "changed": True}
    assert cli("history", "a").text.count("\n") == 2  # no new version


@pytest.mark.parametrize(
    "words", [(), ("x=1", "-x"), ("x=1", "x=2"), ("no-pair",), ("--nope", "x=1")]
)
def test_tag_with_words_that_make_no_sense(cli: Cli, words: tuple[str, ...]) -> None:
    cli("set", "a", "v")
    cli("tag", "a", *words, code=2)


def test_the_help_of_tag_is_no_tag(cli: Cli) -> None:
    assert "Usage" in cli("tag", "-h").text


def test_expire_and_ls_expiring(cli: Cli) -> None:
    for name in ("soon", "late", "never", "past"):
        cli("set", name, "v")
    assert cli("expire", "soon", "10d").text.startswith("soon: expires 20")
    cli("expire", "late", "90d")
    ended = cli("expire", "past", "2001-01-01", "--output", "json")
    assert ended.json == {"name": "past", "expires_at": "2001-01-01T00:00:00Z"}
    assert "has passed" in ended.err
    assert cli("ls", "--expiring", "30d").text == "past\nsoon\n"
    assert [info["name"] for info in cli("ls", "--expiring=1d", "--output=json").json] == [
        "past"
    ]
    assert "EXPIRES" in cli("ls", "--expiring", "30d", "-l").text
    assert cli("expire", "soon", "never").text == "soon: never expires\n"
    assert cli("ls", "--expiring", "30d").text == "past\n"
    cli("ls", "--expiring", "never", code=2)
    cli("expire", "soon", "tomorrow", code=2)
    cli("expire", "none", "1d", code=10)


def test_purge_wants_the_name_typed(cli: Cli) -> None:
    cli("set", "db/a", "v")
    assert "add --yes" in cli("purge", "db/a", code=2).err
    ended = cli("purge", "db/a", stdin=b"yes\n", terminal=True, code=1)
    assert "To remove it for ever, type db/a: " in ended.err
    assert "nothing was removed" in ended.err
    assert cli("get", "db/a").text == "v"
    ended = cli("purge", "db/a", "--output=json", stdin=b"\n", terminal=True, code=1)
    assert ended.json == {"name": "db/a", "removed": False}
    assert cli("purge", "db/a", stdin=b"db/a\n", terminal=True).text == (
        "db/a: removed for ever\n"
    )
    cli("describe", "db/a", code=10)


def test_purge_of_a_deleted_one_and_of_none(cli: Cli) -> None:
    cli("set", "a", "v")
    cli("rm", "a")
    ended = cli("purge", "a", "--yes", "--output", "json")
    assert ended.json == {"name": "a", "removed": True}
    cli("purge", "a", stdin=b"a\n", terminal=True, code=10)


@pytest.mark.parametrize("stages", [True, False])
@pytest.mark.parametrize("compared", [True, False])
def test_rollback_where_the_newest_version_is_what_all_read(
    bare: Cli, stages: bool, compared: bool
) -> None:
    from dataclasses import replace

    from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share

    can = replace(EVERYTHING, stages=stages, movable_current=False, compare_and_set=compared)
    bare.configure("development:\n  primary: {backend: memory, store: lesser}\n")
    share("lesser", MemorySecrets(capabilities=can))
    try:
        for value in ("one", "two"):
            bare("set", "a", value)
        assert bare("rollback", "a").text == "a: version 3 is current (was 2)\n"
        assert bare("get", "a").text == "one"
        assert bare("rollback", "a").text == "a: version 4 is current (was 3)\n"
        assert bare("get", "a").text == "two"
        assert bare("promote", "a", "1").text == "a: version 5 is current (was 4)\n"
        bare("promote", "a", "2", "--expects", "4", code=14 if compared else 22)
        assert bare("get", "a").text == "one"
    finally:
        share("lesser", None)


def test_get_asks_a_second_time_for_what_the_document_shows(bare: Cli) -> None:
    from dataclasses import replace

    from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share

    bare.configure("development:\n  primary: {backend: memory, store: lesser}\n")
    lesser = MemorySecrets(capabilities=replace(EVERYTHING, attributes_with_value=False))
    share("lesser", lesser)
    try:
        bare("set", "a", "one")
        bare("tag", "a", "team=payments")
        asked = lesser.calls.total()
        assert bare("get", "a", "--output", "json").json["tags"] == {"team": "payments"}
        assert lesser.calls.total() == asked + 2
        assert bare("get", "a").text == "one"
        assert lesser.calls.total() == asked + 3
    finally:
        share("lesser", None)


def test_what_no_condition_can_be_set_on_is_changed_without_one(
    bare: Cli, tmp_path: Path
) -> None:
    """``tag`` and ``import`` protect what they have read only where the store can."""
    from dataclasses import replace

    from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share

    can = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)
    bare.configure("development:\n  primary: {backend: memory, store: lesser}\n")
    share("lesser", MemorySecrets(capabilities=can))
    try:
        bare("set", "a", "one")
        assert bare("tag", "a", "team=payments").text == "a: team=payments\n"
        file = tmp_path / "values.json"
        file.write_text('{"a": "two"}', encoding="utf-8")
        bare("import", str(file), "--yes")
        assert bare("get", "a").text == "two"
    finally:
        share("lesser", None)
