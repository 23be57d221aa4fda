"""A configured target from the command line, with a kubeconfig as kubectl would have it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import secret

NEVER = {"kubernetes", "argon2", "botocore", "requests", "urllib3", "skykeep.providers.aws"}


class Shell:
    """Runs skykeep in a home of its own."""

    def __init__(self, place: Path, kube: Kube) -> None:
        self.place = place
        self.namespace = kube.new_namespace()
        (place / ".kube").mkdir()
        kube.kubeconfig(place / ".kube" / "config", namespace=self.namespace)
        target = {"backend": "kubernetes", "secret_prefix": "app/"}
        text = json.dumps({"production": {"primary": target}})  # JSON is YAML
        (place / "cloud_config.yaml").write_text(text)
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("KUBE", "SKYKEEP_"))
        }
        self.environ = {**kept, "HOME": str(place)}

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
def shell(tmp_path: Path, kube: Kube) -> Shell:
    return Shell(tmp_path, kube)


def test_a_configured_target(shell: Shell, kube: Kube) -> None:
    shell.skykeep("set", "DB_PASSWORD", given="one")
    shell.skykeep("set", "DB_PASSWORD", given="two")
    assert shell.skykeep("get", "DB_PASSWORD") == "two"
    listed = json.loads(shell.skykeep("ls", "--output", "json"))
    assert [each["name"] for each in listed] == ["DB_PASSWORD"]
    found = secret(kube, shell.namespace, "app.x--kdb--upassword")
    assert base64.b64decode(found["data"]["value"]) == b"two"
    assert found["metadata"]["annotations"]["skykeep-name"] == "app/DB_PASSWORD"


def test_one_field_of_a_secret_of_others(shell: Shell, kube: Kube) -> None:
    body = {
        "metadata": {"name": "app.db"},
        "stringData": {"user": "ada", "password": "made-up"},
    }
    kube.call("POST", f"/api/v1/namespaces/{shell.namespace}/secrets", body)
    assert json.loads(shell.skykeep("get", "db")) == {"user": "ada", "password": "made-up"}
    assert shell.skykeep("get", "--key", "password", "db") == "made-up"


def test_what_is_refused_says_what_to_do(shell: Shell, kube: Kube) -> None:
    kube.kubeconfig(shell.place / ".kube" / "config", user={"token": "canary-4c1d"})
    done = shell.run("-m", "skykeep", "get", "a")
    assert done.returncode != 0
    assert ".kube/config" in done.stderr
    assert "canary-4c1d" not in done.stdout + done.stderr


def test_a_read_imports_no_more_than_it_needs(shell: Shell) -> None:
    shell.skykeep("set", "a", given="x")
    done = shell.run("-X", "importtime", "-m", "skykeep", "get", "a")
    assert done.stdout == "x", done.stderr
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skykeep.providers.kubernetes.calls" in modules
    assert not modules & NEVER
    assert "skykeep.providers.kubernetes.watching" not in modules
