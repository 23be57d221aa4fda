from __future__ import annotations

from typing import Any

import pytest

from skykeep.settings.model import TargetSettings
from tests.apps.cli.harness import Cli
from tests.apps.cli.test_init import CHEAP


def checks(cli: Cli, *flags: str, code: int = 0) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for check in cli(*flags, "doctor", "--output", "json", code=code).json["checks"]:
        found.setdefault(check["check"], []).append(check)
    return found


def test_all_well(cli: Cli) -> None:
    cli("set", "a", "v")
    ended = cli("doctor")
    assert ended.text.endswith("ok     secrets: 1 can be read\nall well\n")
    assert "mode 0600, format 1, unlocked by key file" in ended.text
    assert cli("doctor", "--output", "json").json["ok"] is True


def test_colours_are_for_terminals_that_want_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[32mok" in cli("doctor", terminal=True).text
    assert "\x1b" not in cli("doctor").text
    assert "\x1b" not in cli("--no-color", "doctor", terminal=True).text
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("doctor", terminal=True).text


def test_no_vault(bare: Cli) -> None:
    ended = bare("doctor", code=1)
    assert "no file, so the embedded local vault; looked at skykeep.yaml" in ended.text
    assert "failed primary (local): there is no vault" in ended.text
    assert "skykeep init" in ended.text
    assert ended.text.endswith("something is wrong: see above\n")
    assert not bare.home.exists()


def test_a_wrong_configuration(bare: Cli) -> None:
    bare.configure("production:\n  primary: {backend: local, pth: x}\n  failver: {}\n")
    failed = checks(bare, code=1)["environment"]
    assert len(failed) == 2
    assert all(check["status"] == "failed" for check in failed)
    assert "did you mean 'path'" in failed[0]["message"]
    assert "environment" in checks(bare, "--config", "none.yaml", code=1)


@pytest.mark.usefixtures("without_packages")
def test_a_provider_whose_packages_are_not_installed(bare: Cli) -> None:
    bare.configure("production:\n  primary: {backend: vault}\n")
    failed = checks(bare, code=1)["primary (vault)"][0]
    assert failed["message"] == "the provider needs aiohttp"
    assert failed["mend"] == "install it: pip install --upgrade 'skykeep[vault]'"
    assert "secrets" not in checks(bare, code=1)


@pytest.mark.usefixtures("without_packages")
def test_a_failover_whose_packages_are_not_installed(cli: Cli) -> None:
    path = cli.home / "skykeep.yaml"
    path.write_text(path.read_text() + "  failover: {backend: vault}\n")
    found = checks(cli, code=1)
    assert found["failover (vault)"][0]["status"] == "failed"
    assert found["secrets"][0]["status"] == "ok"


def test_a_failover_vault_that_is_missing_is_said_once(cli: Cli) -> None:
    path = cli.home / "skykeep.yaml"
    path.write_text(path.read_text() + "  failover: {backend: local, path: none.db}\n")
    found = [check["status"] for check in checks(cli, code=1)["failover (local)"]]
    assert found == ["ok", "failed"]


def test_a_lost_key_file(cli: Cli) -> None:
    cli.key_file.unlink()
    found = checks(cli, code=1)
    assert "is not there" in found["primary (local)"][-1]["message"]
    assert found["secrets"][0]["status"] == "failed"


def test_a_key_beside_its_vault(bare: Cli) -> None:
    bare("init", "--key-file", str(bare.home / "key"))
    noted = checks(bare)["primary (local)"][-1]
    assert noted["status"] == "note"
    assert "move the key file" in noted["mend"]


def test_a_vault_that_the_group_may_touch(cli: Cli) -> None:
    (cli.home / "vault.db").chmod(0o660)
    assert any("chmod 600" in check["mend"] for check in checks(cli)["primary (local)"])
    (cli.home / "vault.db").chmod(0o666)
    assert checks(cli, code=1)["primary (local)"][-1]["status"] == "failed"


def test_passphrases(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "p")
    bare("init", *CHEAP)
    assert "comes from SKYKEEP_PASSPHRASE" in str(checks(bare))
    monkeypatch.delenv("SKYKEEP_PASSPHRASE")
    found = checks(bare, code=1)
    assert "is asked for" in found["primary (local)"][-1]["message"]
    assert "SKYKEEP_KEY_FILE" in found["secrets"][0]["mend"]
    bare.types("p")
    checks(bare)


def test_a_damaged_vault(cli: Cli) -> None:
    vault = cli.home / "vault.db"
    vault.write_bytes(b"x" * 100)
    vault.chmod(0o600)
    assert "is damaged" in checks(cli, code=1)["primary (local)"][-1]["message"]


def test_a_provider_that_another_package_breaks(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep import registry
    from skykeep.errors import Unsupported

    def broken(name: str) -> None:
        raise Unsupported("it needs another release")

    monkeypatch.setattr(registry, "provider", broken)
    monkeypatch.setattr(registry, "settings_type", lambda name: TargetSettings)
    failed = checks(bare, code=1)["primary (local)"][0]
    assert failed["message"] == "it needs another release"


def test_memory_needs_nothing(bare: Cli) -> None:
    bare.configure("p:\n  primary: {backend: memory}\n")
    assert bare("doctor").text.endswith("secrets: none yet\nall well\n")
