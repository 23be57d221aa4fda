"""The seed's configuration from the command line, and what a read imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from skykeep.providers.gcp.session import ENDPOINT
from tests.peers.google import SecretManager

SEED = Path(__file__).parents[2] / "settings" / "seeds" / "cloud.yaml"
PROJECT = "llm-shield-prod"  # as the seed has it
OURS = ("GOOGLE_", "GCLOUD_", "GCE_", "CLOUDSDK_", "SKYKEEP_")


class Shell:
    """Runs skykeep beside a copy of the seed's file, which chooses Google Cloud."""

    def __init__(self, place: Path, address: str, environ: dict[str, str]) -> None:
        self.place = place
        text = SEED.read_text(encoding="utf-8")
        chosen = text.replace('provider: "aws"', 'provider: "gcp"')
        assert chosen != text
        (place / "skykeep.yml").write_text(chosen, encoding="utf-8")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        self.environ = {**kept, **environ, ENDPOINT: address, "HOME": str(place)}

    def run(
        self, *arguments: str, given: str = "", before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *before, "-m", "skykeep", *arguments],
            cwd=self.place,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def seed(self, *arguments: str, given: str = "") -> str:
        return self.run("--config", "skykeep.yml", *arguments, given=given).stdout


@pytest.fixture
def shell(tmp_path: Path, secret_manager: SecretManager, environ: dict[str, str]) -> Shell:
    secret_manager.add_project(PROJECT, "777000777000")
    return Shell(tmp_path, secret_manager.address, environ)


@pytest.fixture
def name() -> str:
    return f"cli-{uuid.uuid4().hex[:12]}/password"


def test_the_seeds_file_works(shell: Shell, judge: Any, name: str) -> None:
    shell.seed("set", name, given="hunter2")
    assert shell.seed("get", name) == "hunter2"
    stored = f"projects/{PROJECT}/secrets/{name.replace('/', '__')}"
    found = judge.access_secret_version(name=f"{stored}/versions/latest")
    assert found.payload.data == b"hunter2"
    judge.add_secret_version(parent=stored, payload={"data": b"theirs"})
    assert shell.seed("get", name) == "theirs"
    folder = name.partition("/")[0]
    assert shell.seed("ls", folder).split() == [name]
    shell.seed("tag", name, "team=payments")
    assert dict(judge.get_secret(name=stored).labels) == {"team": "payments"}
    described = json.loads(shell.seed("describe", name, "--output", "json"))
    assert (described["version"], described["tags"]) == ("2", {"team": "payments"})
    history = json.loads(shell.seed("history", name, "--output", "json"))
    assert [version["stages"] for version in history["versions"]] == [["current"], ["previous"]]
    shell.seed("rollback", name)
    assert shell.seed("get", name) == "hunter2"
    shell.seed("rm", "--yes", name)
    assert shell.seed("ls", folder) == ""


def test_a_backend_and_a_project_are_enough(shell: Shell, judge: Any, name: str) -> None:
    flags = ("--backend", "gcp")
    shell.environ["GOOGLE_CLOUD_PROJECT"] = PROJECT
    shell.run(*flags, "set", name, given="v")
    assert shell.run(*flags, "get", name).stdout == "v"
    told = json.loads(shell.run(*flags, "get", name, "--output", "json").stdout)
    assert (told["version"], told["stages"]) == ("1", ["current"])
    regional = (*flags, "--region", "europe-west3")
    shell.run(*regional, "set", name, given="there")
    assert shell.run(*flags, "get", name).stdout == "v"
    stored = f"projects/{PROJECT}/locations/europe-west3/secrets/{name.replace('/', '__')}"
    found = judge.access_secret_version(name=f"{stored}/versions/latest")
    assert found.payload.data == b"there"


def test_a_read_imports_no_sdk(shell: Shell, name: str) -> None:
    """google-auth signs for the service account: of it no more than that needs."""
    shell.seed("set", name, given="v")
    done = shell.run(*("--config", "skykeep.yml", "get", name), before=("-X", "importtime"))
    assert done.stdout == "v"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skykeep.providers.gcp.reading" in modules
    unwanted = {"google.cloud", "google.api_core", "grpc", "google.protobuf", "requests"}
    assert not unwanted & modules
