from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.apps.cli.harness import Cli

CHEAP = ("--argon2-memory-kib", "64", "--argon2-passes", "1", "--argon2-lanes", "1")


def test_a_key_file_makes_later_commands_need_nothing(bare: Cli) -> None:
    ended = bare("init", "--key-file", str(bare.key_file))
    assert f"vault: {bare.home / 'vault.db'}\n" in ended.text
    assert f"key file: {bare.key_file} (made now)\n" in ended.text
    assert f"configuration: {bare.home / 'skykeep.yaml'}\n" in ended.text
    assert "Keep a copy of the key file" in ended.text
    assert stat.S_IMODE(bare.key_file.stat().st_mode) == 0o600
    assert yaml.safe_load((bare.home / "skykeep.yaml").read_text()) == {
        "default": {
            "primary": {
                "backend": "local",
                "key_file": str(bare.key_file),
                "secret_prefix": "",
            }
        }
    }
    bare("set", "a", "v")
    assert bare("get", "a").text == "v"
    # The configuration puts no prefix before names: flags alone reach the same secrets.
    (bare.home / "skykeep.yaml").unlink()
    assert bare("--key-file", str(bare.key_file), "get", "a").text == "v"


def test_the_environment_variable_names_a_key_file_too(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYKEEP_KEY_FILE", str(bare.key_file))
    document = bare("init", "--output", "json").json
    assert document == {
        "vault": str(bare.home / "vault.db"),
        "unlocked_by": "key-file",
        "key_file": str(bare.key_file),
        "key_file_made": True,
        "keyring": None,
        "configuration": str(bare.home / "skykeep.yaml"),
    }


def test_a_key_file_that_is_there_is_used(bare: Cli) -> None:
    bare.key_file.parent.mkdir()
    bare.key_file.write_bytes(bytes(range(32)))
    bare.key_file.chmod(0o600)
    assert "(was there)" in bare("init", "--key-file", str(bare.key_file)).text
    assert bare.key_file.read_bytes() == bytes(range(32))


def test_a_relative_path_with_odd_characters(bare: Cli) -> None:
    bare("init", "--key-file", 'odd ${HOME} "é".key')
    bare("set", "a", "v")
    os.chdir(bare.home)
    assert bare("get", "a").text == "v"


def test_a_path_that_goes_into_no_yaml_is_left_to_the_variable(bare: Cli) -> None:
    ended = bare("init", "--key-file", "line\nbreak", "--output", "json")
    assert ended.json["configuration"] is None


def test_a_vault_that_is_there_is_left_alone(cli: Cli) -> None:
    cli("set", "a", "v")
    before = (cli.home / "vault.db").read_bytes()
    ended = cli("init", "--key-file", "other.key", code=14)
    assert "already" in ended.err
    assert (cli.home / "vault.db").read_bytes() == before
    assert not Path("other.key").exists()


def test_a_configuration_that_is_there_is_left_alone(bare: Cli) -> None:
    text = "default:\n  primary: {backend: local}\n"
    path = bare.configure(text)
    ended = bare("init", "--key-file", str(bare.key_file))
    assert path.read_text() == text
    assert f"export SKYKEEP_KEY_FILE={bare.key_file}" in ended.text


def test_a_configured_key_file_is_made(bare: Cli) -> None:
    bare.configure(f"default:\n  primary: {{backend: local, key_file: {bare.key_file}}}\n")
    assert "export" not in bare("init").text
    assert bare.key_file.exists()


def test_a_passphrase_from_the_variable(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "correct horse")
    ended = bare("init", *CHEAP)
    assert "Remember the passphrase" in ended.text
    assert "cheaper to guess" in ended.err
    assert not (bare.home / "skykeep.yaml").exists()
    bare("set", "a", "v")
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "wrong")
    ended = bare("get", "a", code=20)
    assert ended.err.startswith("skykeep: key failure: ")
    assert bare("get", "none", code=20).err == ended.err


def test_a_passphrase_is_asked_for_twice(bare: Cli) -> None:
    asked = bare.types("typed", "typed", "typed", "typed")
    bare("init", *CHEAP)
    bare("set", "a", "-", stdin=b"through the pipe")
    assert bare("get", "a").text == "through the pipe"
    assert asked == ["New passphrase: ", "Again: ", "Passphrase: ", "Passphrase: "]


def test_passphrases_that_differ_or_are_not_typed(bare: Cli) -> None:
    bare.types("one", "two")
    bare("init", *CHEAP, code=20)
    bare.types("")
    bare("init", *CHEAP, code=20)
    bare.types()
    bare("init", *CHEAP, code=20)
    assert not (bare.home / "vault.db").exists()


def test_nobody_to_ask(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = bare("init", code=20)
    assert "--key-file" in ended.err
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "p")
    bare("init", *CHEAP)
    monkeypatch.delenv("SKYKEEP_PASSPHRASE")
    ended = bare("get", "a", code=20)
    assert "SKYKEEP_KEY_FILE or SKYKEEP_PASSPHRASE" in ended.err


def test_argon2_options(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    bare("init", "--key-file", "k", *CHEAP, code=2)
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "p")
    bare("init", "--argon2-memory-kib", "1", code=2)
    assert bare("init", "--argon2-lanes", "1").err == ""


def test_only_local_vaults_are_made(bare: Cli) -> None:
    ended = bare("--backend", "memory", "init", code=22)
    assert "--backend local" in ended.err
    assert not bare.home.exists()
