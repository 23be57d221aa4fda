"""``skykeep vault``: verify, back up, restore and change keys, as typed."""

from __future__ import annotations

import sqlite3

import pytest

from tests.apps.cli.harness import Cli

CHEAP = ("--argon2-memory-kib", "64", "--argon2-passes", "1", "--argon2-lanes", "1")


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/password", "-", stdin=b"one")
    cli("set", "db/password", "-", stdin=b"two")
    return cli


def test_verify_counts_what_is_whole(filled: Cli) -> None:
    path = filled.home / "vault.db"
    assert filled("vault", "verify").text == f"{path}: whole (1 secrets, 2 versions)\n"
    assert filled("vault", "verify", "--output", "json").json == {
        "path": str(path),
        "secrets": 1,
        "deleted": 0,
        "versions": 2,
        "prefixes": 1,
    }


def test_verify_finds_damage(filled: Cli) -> None:
    with sqlite3.connect(filled.home / "vault.db") as connection:
        connection.execute("UPDATE version SET sealed = zeroblob(40) WHERE id = 1")
    connection.close()
    assert filled("get", "db/password").text == "two"  # no single read meets it
    ended = filled("vault", "verify", code=None)
    assert ended.code != 0
    assert "damaged" in ended.err


def test_a_backup_is_restored_where_it_is_wanted(filled: Cli) -> None:
    file = filled.home.parent / "backup.db"
    assert "verified (1 secrets, 2 versions)" in filled("vault", "backup", str(file)).text
    filled("vault", "backup", str(file), code=None)
    filled("set", "db/password", "-", stdin=b"three")
    refused = filled("vault", "restore", str(file), code=None)
    assert "--replace" in refused.err
    assert filled("get", "db/password").text == "three"
    done = filled("vault", "restore", str(file), "--replace", "--output", "json").json
    assert done["secrets"] == 1
    assert ".before-" in done["saved"]
    assert filled("get", "db/password").text == "two"
    (filled.home / "vault.db").unlink()
    assert "restored" in filled("vault", "restore", str(file)).text
    assert filled("get", "db/password", "--version", "1").text == "one"


def test_a_missing_backup_is_named(filled: Cli) -> None:
    ended = filled("vault", "restore", "nowhere.db", code=None)
    assert "nowhere.db" in ended.err


def test_the_passphrase_is_changed(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "old")
    bare("init", *CHEAP)
    bare("set", "a", "-", stdin=b"v")
    refused = bare("vault", "passphrase", code=None)
    assert "SKYKEEP_NEW_PASSPHRASE" in refused.err
    monkeypatch.setenv("SKYKEEP_NEW_PASSPHRASE", "new")
    assert bare("vault", "passphrase").text == "the passphrase was set\n"
    assert bare("get", "a", code=None).code != 0
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "new")
    assert bare("get", "a").text == "v"


def test_the_new_passphrase_is_asked_for_twice(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.apps.cli import prompt

    typed = iter(["new one", "new won", "new one", "new one"])
    monkeypatch.setattr(prompt, "terminal_question", lambda: lambda _: next(typed))
    refused = filled("vault", "passphrase", code=None)
    assert "differ" in refused.err
    assert filled("vault", "passphrase", "--output", "json").json == {
        "kind": "passphrase",
        "done": "set",
    }


def test_key_files_come_and_go(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    new = filled.home.parent / "new.key"
    assert filled("vault", "forget", "key-file", code=None).code != 0
    made = filled("vault", "key-file", str(new), "--output", "json").json
    assert made == {"kind": "key-file", "done": "set", "file": str(new), "made": True}
    assert filled("get", "db/password", code=None).code != 0
    assert filled("--key-file", str(new), "get", "db/password").text == "two"
    monkeypatch.setenv("SKYKEEP_NEW_PASSPHRASE", "words")
    filled("--key-file", str(new), "vault", "passphrase")
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "words")
    monkeypatch.setenv("SKYKEEP_CONFIG", "")
    (filled.home / "skykeep.yaml").unlink(missing_ok=True)
    monkeypatch.delenv("SKYKEEP_KEY_FILE", raising=False)
    assert "no longer" in filled("vault", "forget", "key-file").text
    assert filled("get", "db/password").text == "two"


def test_it_is_for_local_vaults(bare: Cli) -> None:
    ended = bare("--backend", "memory", "vault", "verify", code=None)
    assert "local vaults" in ended.err
