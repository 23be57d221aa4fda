"""``skykeep doctor`` for a target on the API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.peers.kube import Kube, Rule

READ: Rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}


@pytest.fixture
def space(kube: Kube) -> str:
    return kube.new_namespace()


def doctor(
    kube: Kube, place: Path, space: str, token: str, *options: str
) -> subprocess.CompletedProcess[str]:
    file = kube.kubeconfig(place / "config", user={"token": token}, namespace=space)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SKYKEEP_")}
    command = [sys.executable, "-m", "skykeep", "--backend", "kubernetes", "doctor", *options]
    return subprocess.run(
        command,
        cwd=place,
        env={**kept, "KUBECONFIG": str(file), "HOME": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def found(done: subprocess.CompletedProcess[str], check: str, status: str) -> list[str]:
    """What it says of a check."""
    checks = json.loads(done.stdout)["checks"]
    return [
        each["message"] for each in checks if (each["check"], each["status"]) == (check, status)
    ]


def test_it_says_who_we_are_and_what_is_missing(kube: Kube, space: str, tmp_path: Path) -> None:
    account = kube.account(space, READ)
    done = doctor(kube, tmp_path, space, kube.token_of(account), "--output", "json")
    (who,) = found(done, "identity", "ok")
    assert who.startswith(
        f"{account.user} (groups: system:serviceaccounts:{space}), by token in"
    )
    assert f"account {space}" in who
    missing = found(done, "permissions", "failed")
    assert [each.split()[0] for each in missing] == ["create", "patch", "delete"]
    assert all(
        f"on secrets in namespace {space} is refused (asked)" in each for each in missing
    )
    assert done.returncode == 1


def test_all_is_well_with_its_own_policy(kube: Kube, space: str, tmp_path: Path) -> None:
    printed = doctor(kube, tmp_path, space, "unused", "--policy")
    assert printed.returncode == 0, printed.stderr
    role, binding = yaml.safe_load_all(printed.stdout)
    assert (role["kind"], binding["kind"]) == ("Role", "RoleBinding")
    account = kube.account(space, *role["rules"])
    done = doctor(kube, tmp_path, space, kube.token_of(account), "--output", "json")
    assert done.returncode == 0, done.stdout
    assert found(done, "permissions", "ok") == ["5 of the 5 that are needed"]
    assert found(done, "permissions", "note") == []


def test_credentials_that_are_refused(kube: Kube, space: str, tmp_path: Path) -> None:
    token = kube.short_token(kube.account(space), -60)
    done = doctor(kube, tmp_path, space, token, "--output", "json")
    assert done.returncode == 1
    assert found(done, "identity", "failed")
    assert token not in done.stdout + done.stderr
