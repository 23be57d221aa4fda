from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.apps.cli.harness import Cli


@pytest.fixture
def filled(cli: Cli) -> Cli:
    for name in ("db/password", "db/user", "dbx/password", "Api", "zeta"):
        cli("set", name, "v", "--tag", "t=1")
    return cli


def test_names_are_sorted_one_a_line(filled: Cli) -> None:
    assert filled("ls").text == "Api\ndb/password\ndb/user\ndbx/password\nzeta\n"
    assert filled("ls", "db").text == filled("ls", "db/").text == "db/password\ndb/user\n"
    nothing = filled("ls", "none")
    assert (nothing.text, nothing.err) == ("", "nothing found\n")
    assert filled("ls", "none", "--output", "json").json == []
    filled("ls", "bad//prefix", code=13)


def test_json_and_long(filled: Cli) -> None:
    filled("set", "zeta", "w", "--expires", "2001-01-01")
    found = filled("ls", "--output", "json").json
    assert [info["name"] for info in found] == [
        "Api", "db/password", "db/user", "dbx/password", "zeta",
    ]  # fmt: skip
    assert found[4]["version"] == "2"
    assert found[4]["expired"] is True
    assert found[0]["tags"] == {"t": "1"}
    lines = filled("ls", "-l").text.splitlines()
    assert lines[0].split() == ["NAME", "VERSION", "UPDATED", "EXPIRES"]
    assert lines[1].split()[:2] == ["Api", "1"]
    assert lines[1].endswith(" -")
    assert lines[5].endswith("2001-01-01 00:00:00Z (expired)")


def test_rm_restore_and_the_deleted(filled: Cli) -> None:
    ended = filled("rm", "db/user", "zeta", "db/user")
    assert ended.text == (
        "db/user: deleted; to undo: skykeep restore db/user\n"
        "zeta: deleted; to undo: skykeep restore zeta\n"
    )
    filled("get", "zeta", code=10)
    assert filled("ls", "--deleted").text == "db/user\nzeta\n"
    assert filled("ls", "--deleted", "--long").text.splitlines()[0].endswith("DELETED")
    assert "deleted " in filled("describe", "zeta").text
    assert filled("restore", "zeta").text == "zeta: restored\n"
    assert filled("restore", "db/user", "--output", "json").json == {
        "restored": [{"name": "db/user"}]
    }
    filled("restore", "zeta", code=14)
    assert filled("get", "zeta").text == "v"
    assert filled("ls", "--deleted").text == ""


def test_what_was_done_is_said_when_a_later_name_fails(filled: Cli) -> None:
    ended = filled("rm", "zeta", "none", "Api", "--output", "json", code=10)
    assert ended.json == {"removed": [{"name": "zeta", "restorable": True}]}
    assert ended.error["resource"] == "none"
    ended = filled("restore", "zeta", "none", code=10)
    assert ended.text == "zeta: restored\n"
    assert filled("rm", "none", "--output", "json", code=10).out == b""
    assert filled("get", "Api").text == "v"


def test_rm_with_compare_and_set(filled: Cli) -> None:
    filled("rm", "zeta", "--expects", "7", code=14)
    filled("rm", "zeta", "Api", "--expects", "1", code=2)
    filled("rm", "zeta", "--purge", "--expects", "1", code=2)
    filled("rm", "zeta", "--expects", "1")


def test_purge_needs_a_yes(filled: Cli) -> None:
    assert "add --yes" in filled("rm", "zeta", "--purge", code=2).err
    for answer in (b"", b"\n", b"no\n"):
        ended = filled("rm", "zeta", "--purge", stdin=answer, terminal=True, code=1)
        assert "Remove zeta with all versions for ever? [y/N]" in ended.err
        assert "nothing was removed" in ended.err
    assert filled("get", "zeta").text == "v"
    assert filled("rm", "zeta", "--purge", stdin=b"y\n", terminal=True).text == (
        "zeta: removed for ever\n"
    )
    assert filled("ls", "--deleted").text == ""
    ended = filled("rm", "Api", "db/user", "--purge", "--yes", "--output", "json")
    assert ended.json == {
        "removed": [
            {"name": "Api", "restorable": False},
            {"name": "db/user", "restorable": False},
        ]
    }


def test_purge_answered_no_in_json(filled: Cli) -> None:
    ended = filled(
        "rm", "zeta", "Api", "--purge", "--output", "json", stdin=b"n\n", terminal=True, code=1
    )
    assert ended.json == {"removed": []}
    assert "Remove 2 secrets" in ended.err


def test_history(filled: Cli) -> None:
    filled("set", "zeta", "four")
    lines = filled("history", "zeta").text.splitlines()
    assert lines[0].split() == ["VERSION", "CREATED", "BYTES", "STAGES"]
    assert [line.split()[0] for line in lines[1:]] == ["2", "1"]
    assert lines[1].endswith("4      current")
    found = filled("history", "zeta", "--output", "json").json
    assert found["name"] == "zeta"
    assert found["versions"][1]["stages"] == ["previous"]
    filled("history", "none", code=10)


def test_describe(filled: Cli) -> None:
    filled("set", "zeta", "v", "--metadata", "note=two\nlines\x1b[2J")
    text = filled("describe", "zeta").text
    assert "name     zeta\n" in text
    assert "tags     t=1\n" in text
    assert "note=two\nlines\\x1b[2J" in text
    filled("describe", "none", code=10)


def test_progress_of_a_long_listing_is_for_terminals(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("skykeep.apps.cli.console.time.monotonic", lambda: next(clock))
    assert "\rnames read: 5" in filled("ls", terminal=True).err
    assert filled("ls").err == ""
    assert filled("ls", "--output", "json", terminal=True).err == ""


def test_a_listing_of_several_pages(cli: Cli) -> None:
    script = (
        "import sys, skykeep\n"
        "with skykeep.open_blocking() as cloud:\n"
        "    for i in range(450): cloud.secrets.put(f'n{i:03}', 'v')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    names = cli("ls").text.split()
    assert names == [f"n{i:03}" for i in range(450)]
    assert json.loads(cli("ls", "--output", "json").out)[449]["name"] == "n449"
