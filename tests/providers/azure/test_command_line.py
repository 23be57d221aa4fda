"""The seed's configuration from the command line, at Azure's own addresses: a proxy leads them
to the fakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import Entra
from tests.providers.azure.judge import judge_of
from tests.providers.azure.logins import SECRET, SERVICE
from tests.providers.azure.tunnels import tunnels

SEED = Path(__file__).parents[2] / "settings" / "seeds" / "cloud_config.yaml"
TARGET = {"backend": "azure", "vault_url": "https://intraday-prod.vault.azure.net/"}
NEVER = {"azure", "azure.core", "azure.identity", "msal", "requests", "botocore", "argon2"}


class Shell:
    """Runs skykeep beside a file of configuration, on a network that ends at the fakes."""

    def __init__(self, place: Path, vault: KeyVault, proxy: str, ca: Path) -> None:
        self.place = place
        self.vault = vault
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("AZURE_", "SKYKEEP_"))
        }
        self.environ = {
            **kept,
            **SERVICE,
            "HTTPS_PROXY": proxy,
            "SSL_CERT_FILE": str(ca),
            "HOME": str(place),
        }

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.place,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def skykeep(self, *arguments: str, given: str = "") -> str:
        done = self.run("-m", "skykeep", *arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path, key_vault: KeyVaults, authority: Authority) -> Iterator[Shell]:
    vault = key_vault.new()
    issued = authority.issue("login.microsoftonline.com")
    with Entra(issued.server(), key_vault.issuer) as entra:
        entra.register(secrets=[SECRET])
        ports = {
            "login.microsoftonline.com": int(entra.address.rpartition(":")[2]),
            ".vault.azure.net": int(vault.address.rpartition(":")[2]),
        }
        with tunnels(ports) as server:
            yield Shell(tmp_path, vault, f"http://127.0.0.1:{server.port}", authority.ca)


def configured(shell: Shell, **keys: str) -> None:
    text = json.dumps({"production": {"primary": {**TARGET, **keys}}})  # JSON is YAML
    (shell.place / "cloud_config.yaml").write_text(text)


def test_the_seeds_file_with_its_other_backend(shell: Shell) -> None:
    """What the seed fails over to is named on the command line."""
    (shell.place / "cloud_config.yaml").write_bytes(SEED.read_bytes())
    flags = ("--env", "production", "--backend", "azure", "--vault-url", TARGET["vault_url"])
    shell.skykeep(*flags, "set", "seed/password", given="hunter2")
    assert shell.skykeep(*flags, "get", "seed/password") == "hunter2"
    with judge_of(shell.vault) as judge:
        assert judge.get_secret("seed--password").value == "hunter2"


def test_a_configured_target(shell: Shell) -> None:
    configured(shell)
    shell.skykeep("set", "db/password", given="one")
    shell.skykeep("set", "db/password", given="two")
    assert shell.skykeep("get", "db/password") == "two"
    with judge_of(shell.vault) as judge:
        assert judge.get_secret("db--password").value == "two"
        judge.set_secret("db--theirs", "theirs")
    assert shell.skykeep("get", "db/theirs") == "theirs"
    listed = json.loads(shell.skykeep("ls", "--output", "json"))
    assert [each["name"] for each in listed] == ["db/password", "db/theirs"]
    shell.skykeep("rm", "--yes", "db/password")
    assert shell.skykeep("ls").split() == ["db/theirs"]
    shell.skykeep("restore", "db/password")
    assert shell.skykeep("get", "db/password") == "two"


def test_a_cold_read_is_one_login_and_one_call(shell: Shell) -> None:
    configured(shell)
    with judge_of(shell.vault) as judge:
        judge.set_secret("a", "x")
    before = len(shell.vault.requests())
    assert shell.skykeep("get", "a") == "x"
    (call,) = shell.vault.requests()[before:]
    assert (call["method"], call["status"]) == ("GET", 200)


def test_a_read_imports_no_sdk(shell: Shell) -> None:
    configured(shell)
    with judge_of(shell.vault) as judge:
        judge.set_secret("a", "x")
    done = shell.run("-X", "importtime", "-m", "skykeep", "get", "a")
    assert done.stdout == "x"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skykeep.providers.azure.reading" in modules
    assert not NEVER & modules


def test_what_is_refused_says_what_to_do(shell: Shell) -> None:
    configured(shell)
    absent = shell.run("-m", "skykeep", "get", "absent")
    assert absent.returncode != 0
    assert "no secret 'absent' in this vault" in absent.stderr
    shell.vault.change(firewall=True)
    done = shell.run("-m", "skykeep", "get", "a")
    assert done.returncode != 0
    assert "az keyvault network-rule add" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_vault_that_is_not_named(shell: Shell) -> None:
    (shell.place / "cloud_config.yaml").write_text(
        '{"production": {"primary": {"backend": "azure"}}}'
    )
    done = shell.run("-m", "skykeep", "get", "a")
    assert done.returncode != 0
    assert "one of vault_url, vault and endpoint" in done.stderr
