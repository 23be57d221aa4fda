"""The seed's configuration from the command line, with the vault command's variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.peers.openbao import OpenBao
from tests.providers.vault.judge import Judge

SEED = Path(__file__).parents[2] / "settings" / "seeds" / "cloud_config.yaml"
NEVER = {"botocore", "hvac", "argon2", "skykeep.providers.aws", "skykeep.providers.vault.kv1"}


class Shell:
    """Runs skykeep beside a file of configuration."""

    def __init__(self, place: Path, server: OpenBao) -> None:
        self.place = place
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("VAULT_", "SKYKEEP_"))
        }
        self.environ = {
            **kept,
            "VAULT_ADDR": server.address,
            "VAULT_TOKEN": server.token,
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
def shell(tmp_path: Path, openbao: OpenBao) -> Shell:
    return Shell(tmp_path, openbao)


def configured(shell: Shell, mount: str, /, **auth: str) -> None:
    target = {"backend": "vault", "mount": mount, "secret_prefix": "app/"}
    if auth:
        target["auth"] = auth  # type: ignore[assignment]  # a mapping among texts
    text = json.dumps({"production": {"primary": target}})  # JSON is YAML
    (shell.place / "cloud_config.yaml").write_text(text)


def test_the_seeds_file_with_another_backend(shell: Shell, openbao: OpenBao) -> None:
    """``secret/`` is where the engine of the seed's users is mounted."""
    (shell.place / "cloud_config.yaml").write_bytes(SEED.read_bytes())
    name = f"seed-{os.urandom(6).hex()}/password"
    shell.skykeep("--backend", "vault", "set", name, given="hunter2")
    assert shell.skykeep("--backend", "vault", "get", name) == "hunter2"
    with closing(Judge(openbao, 2, "secret")) as judge:
        assert judge.read(name) == {"value": "hunter2"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_configured_target(shell: Shell, openbao: OpenBao, version: int) -> None:
    mount = openbao.kv(version)
    configured(shell, mount)
    shell.skykeep("set", "db/password", given="one")
    shell.skykeep("set", "db/password", given="two")
    assert shell.skykeep("get", "db/password") == "two"
    listed = json.loads(shell.skykeep("ls", "--output", "json"))
    assert [each["name"] for each in listed] == ["db/password"]
    with closing(Judge(openbao, version, mount)) as judge:
        assert judge.read("app/db/password") == {"value": "two"}
        judge.write("app/theirs", {"user": "ada", "password": "s3cret"})
    assert json.loads(shell.skykeep("get", "theirs")) == {"user": "ada", "password": "s3cret"}
    assert shell.skykeep("get", "--key", "password", "theirs") == "s3cret"


def test_a_login_leaves_no_lease_behind(shell: Shell, openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    openbao.call("POST", f"{mount}/data/app/a", {"data": {"value": "x"}})
    policy = openbao.policy(f'path "{mount}/data/app/*" {{ capabilities = ["read"] }}')
    role = openbao.approle(policy)
    configured(shell, mount, method="approle", mount=role.mount)
    del shell.environ["VAULT_TOKEN"]
    shell.environ |= {"VAULT_ROLE_ID": role.role_id, "VAULT_SECRET_ID": role.secret_id}

    def accessors() -> int:
        found = openbao.call("LIST", "auth/token/accessors")
        return len(found["data"]["keys"])

    before = accessors()
    assert shell.skykeep("get", "a") == "x"
    assert accessors() == before


def test_what_is_refused_says_what_to_do(shell: Shell, openbao: OpenBao) -> None:
    configured(shell, openbao.kv(2))
    shell.environ["VAULT_TOKEN"] = "s.canary-4c1d"
    done = shell.run("-m", "skykeep", "get", "a")
    assert done.returncode != 0
    assert "VAULT_TOKEN" in done.stderr
    assert "canary-4c1d" not in done.stdout + done.stderr


def test_a_read_imports_no_more_than_it_needs(shell: Shell, openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    configured(shell, mount)
    openbao.call("POST", f"{mount}/data/app/a", {"data": {"value": "x"}})
    done = shell.run("-X", "importtime", "-m", "skykeep", "get", "a")
    assert done.stdout == "x", done.stderr
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skykeep.providers.vault.kv2" in modules
    assert not modules & NEVER
    assert not [each for each in modules if each.startswith("skykeep.providers.vault.logins.")]
