"""``skykeep vault``: verify, back up, restore and change keys, as typed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.errors import Unsupported
from skykeep.providers.local.kernel_keyring import KernelKeyring
from tests.apps.cli.harness import Cli
from tests.providers.local.keyrings import chosen, encrypted

CHEAP = ("--argon2-memory-kib", "64", "--argon2-passes", "1", "--argon2-lanes", "1")


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/password", "-", stdin=b"one")
    cli("set", "db/password", "-", stdin=b"two")
    return cli


def test_verify_counts_what_is_whole(filled: Cli) -> None:
    path = filled.home / "vault.db"
    assert filled("vault", "verify").text == f"{path}: whole (1 secret, 2 versions)\n"
    found = filled("vault", "verify", "--output", "json").json
    counter = found.pop("counter")
    assert (counter["number"], counter["why"]) == (2, "")
    assert counter["kept"].startswith("beside the key file, in ")
    assert found == {
        "path": str(path),
        "secrets": 1,
        "deleted": 0,
        "versions": 2,
        "prefixes": 1,
        "keys": 0,
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
    assert "verified (1 secret, 2 versions)" in filled("vault", "backup", str(file)).text
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


# -- an older copy


def test_an_older_copy_is_refused_until_it_is_accepted(filled: Cli) -> None:
    path = filled.home / "vault.db"
    older = path.read_bytes()
    filled("set", "db/password", "-", stdin=b"three")
    path.write_bytes(older)
    for command in (("get", "db/password"), ("ls",), ("vault", "verify")):
        assert "(2 < 3): a copy was put back" in filled(*command, code=None).err
    assert "skykeep vault accept" in filled("get", "db/password", code=None).err
    assert filled("doctor", code=1).text.count("a copy was put back") == 1
    assert filled("vault", "accept").text == "the vault is accepted as it is\n"
    assert filled("get", "db/password").text == "two"
    path.write_bytes(older)
    assert "(2 < 4)" in filled("get", "db/password", code=None).err


def test_a_passphrase_alone_notices_nothing_and_says_so(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "old")
    bare("init", *CHEAP)
    said = "would not be noticed: a passphrase leaves no place"
    assert said in bare("vault", "verify").text
    assert said in bare("doctor").text
    assert "will not be noticed" in bare("vault", "accept").text


# -- the keyring


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[None]:
    with chosen(encrypted(tmp_path / "keyring.cfg")):
        yield


@pytest.mark.usefixtures("ring")
def test_a_vault_by_the_keyring(bare: Cli) -> None:
    made = bare("init", "--keyring").text
    assert "key: in the system's keyring (keyrings.alt.file.EncryptedKeyring)" in made
    bare("set", "a", "-", stdin=b"v")
    assert bare("get", "a").text == "v"
    assert "the key is in the system's keyring" in bare("doctor").text
    refused = bare("vault", "forget", "keyring", code=None)
    assert "the only key" in refused.err
    key_file = str(bare.key_file)
    bare("vault", "key-file", key_file)
    bare.patch.setenv("SKYKEEP_KEY_FILE", key_file)
    assert (
        bare("vault", "forget", "keyring").text == "the keyring no longer unlocks the vault\n"
    )
    assert bare("vault", "keyring").text.startswith("the keyring unlocks the vault (")
    bare("init", "--keyring", "--key-file", key_file, code=2)


# -- unlocked for a while


@pytest.fixture
def asked(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    try:
        KernelKeyring()
    except Unsupported as error:
        pytest.skip(error.message)
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "typed")
    bare("init", *CHEAP)
    bare("set", "a", "-", stdin=b"v")
    monkeypatch.delenv("SKYKEEP_PASSPHRASE")
    yield bare
    bare("lock")


def test_unlocked_once_for_several_commands(asked: Cli) -> None:
    assert "locked" in asked("get", "a", code=None).err
    assert asked("unlock", "--status").text == "locked: a passphrase is asked for\n"
    questions = asked.types("typed")
    text = asked("unlock", "--for", "10m").text
    assert text.startswith("unlocked for 10 minutes, in the kernel's memory")
    assert len(questions) == 1
    asked.types()
    assert asked("get", "a").text == "v"
    assert asked.process("get", "a").text == "v"
    assert asked("unlock", "--status", "--output", "json").json["unlocked"] is True
    assert "it is unlocked for" in asked("doctor").text
    assert asked("lock").text == "locked\n"
    assert asked("lock").text == "it was locked\n"
    assert asked("get", "a", code=None).code != 0


def test_a_wrong_passphrase_keeps_nothing(asked: Cli) -> None:
    asked.types("wrong")
    assert "does not unlock" in asked("unlock", code=None).err
    assert asked("unlock", "--status", "--output", "json").json == {
        "unlocked": False,
        "seconds": 0,
    }


@pytest.mark.parametrize("time", ["13h", "0m", "soon"])
def test_for_how_long(asked: Cli, time: str) -> None:
    asked.types("typed")
    assert asked("unlock", "--for", time, code=None).code in {2, 13}
    assert asked("unlock", "--status", "--output", "json").json["unlocked"] is False


def test_a_vault_that_asks_nothing_is_not_unlocked(filled: Cli) -> None:
    assert "nothing is asked" in filled("unlock", code=13).err
