"""The seed's configuration from the command line, and what a read imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.peers.clients import aws_client
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON

SEED = Path(__file__).parents[2] / "settings" / "seeds" / "cloud_config.yaml"


class Shell:
    """Runs skykeep beside a copy of the seed's file."""

    def __init__(self, place: Path, address: str) -> None:
        self.place = place
        (place / "cloud_config.yaml").write_bytes(SEED.read_bytes())
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("AWS_", "SKYKEEP_"))
        }
        self.environ = {**kept, **ENVIRON, "AWS_ENDPOINT_URL": address, "HOME": str(place)}

    def python(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.place,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def skykeep(self, *arguments: str, given: str = "") -> str:
        return self.python("-m", "skykeep", *arguments, given=given)


@pytest.fixture
def shell(tmp_path: Path, moto: Server) -> Shell:
    return Shell(tmp_path, moto.address)


def test_the_seeds_file_works(shell: Shell, moto: Server) -> None:
    shell.skykeep("--env", "production", "set", "seed/password", given="hunter2")
    assert shell.skykeep("--env", "production", "get", "seed/password") == "hunter2"
    with closing(aws_client("secretsmanager", moto.address)) as judge:
        found = judge.get_secret_value(SecretId="intraday-prod/seed/password")
        assert found["SecretString"] == "hunter2"
        judge.create_secret(Name="intraday-prod/seed/theirs", SecretString="theirs")
    assert shell.skykeep("--env", "production", "get", "seed/theirs") == "theirs"
    listed = shell.skykeep("--env", "production", "ls", "seed").split()
    assert listed == ["seed/password", "seed/theirs"]


def test_a_backend_and_a_region_are_enough(shell: Shell) -> None:
    flags = ("--backend", "aws", "--region", "us-east-1")
    shell.skykeep(*flags, "set", "flags/password", given="v")
    assert shell.skykeep(*flags, "get", "flags/password") == "v"
    assert shell.skykeep(*flags, "get", "flags/password", "--output", "json")
    policy = json.loads(shell.skykeep(*flags, "doctor", "--policy"))
    assert policy["Version"] == "2012-10-17"


def test_doctor_says_who_we_are(shell: Shell) -> None:
    said = shell.skykeep("--backend", "aws", "--region", "us-east-1", "doctor")
    assert "arn:aws:sts::123456789012:user/moto" in said
    assert "environment variables" in said
    assert "us-east-1" in said


def test_a_read_imports_no_sdk(shell: Shell) -> None:
    shell.skykeep("--env", "production", "set", "imports/password", given="v")
    done = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "-m", "skykeep"),
            *("--env", "production", "get", "imports/password"),
        ],
        cwd=shell.place,
        env=shell.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "v"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skykeep.providers.aws.reading" in modules
    unwanted = {"botocore", "boto3", "urllib3", "skykeep.providers.aws.chain", "xml.etree"}
    assert not unwanted & modules
