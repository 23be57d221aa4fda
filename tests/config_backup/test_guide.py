"""The guide's program and session do what the guide says, on a directory and on S3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.s3 import ACCESS_KEY, S3, SECRET_KEY
from tests.repo.tree import ROOT, python

GUIDE = (ROOT / "docs" / "guides" / "config-backup.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
((_, SETTINGS), (_, SESSION), (_, PROGRAM), (_, PRINTED), (_, BROKEN)) = BLOCKS
LOCAL = "  primary: {backend: local}"


def environment(here: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(here),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


@pytest.fixture(params=["a directory", "S3"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A place with the guide's file, of which one line says where things are kept."""
    text = SETTINGS
    if request.param == "S3":
        s3: S3 = request.getfixturevalue("seaweedfs_s3")
        lines = text.splitlines(keepends=True)
        (number,) = [n for n, line in enumerate(lines) if line.startswith(LOCAL)]
        lines[number] = (
            f"  primary: {{backend: aws, region: us-east-1, bucket: {s3.new_bucket()}, "
            f"objects_endpoint: '{s3.address}'}}\n"
        )
        text = "".join(lines)
    (tmp_path / "skykeep.yaml").write_text(text)
    return tmp_path


def test_the_program(here: Path) -> None:
    done = python("-W", "error", "-c", PROGRAM, cwd=here, env=environment(here))
    assert done.stdout == PRINTED


def shell(here: Path, line: str) -> tuple[str, int]:
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=here,
        env=environment(here),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode


def alike(text: str, here: Path) -> list[str]:
    """Without the times and the place; and without the line that says where things are kept."""
    text = re.sub(r"\d{8}_\d{6}", "[TIME]", text.replace(str(here), "/home/you"))
    return [line for line in text.splitlines() if "  primary: {" not in line]


def test_the_session(here: Path) -> None:
    steps = re.split(r"^\$ ", SESSION, flags=re.MULTILINE)[1:]
    assert len(steps) == 4
    for step in steps:
        line, _, expected = step.partition("\n")
        found, _ = shell(here, line)
        assert alike(found, here) == alike(expected.rstrip("\n"), here), line


def test_a_broken_file_is_restored(tmp_path: Path) -> None:
    (tmp_path / "skykeep.yaml").write_text(SETTINGS)
    (tmp_path / "other.yaml").write_text(SETTINGS)
    assert shell(tmp_path, "skykeep backup create")[1] == 0
    lines = re.findall(r"^\$ (skykeep .*?)(?: +#.*)?$", BROKEN, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        (tmp_path / "skykeep.yaml").write_text("production: [\n")
        assert "add --yes" in shell(tmp_path, line)[0], "nobody is there to be asked"
        shown, code = shell(tmp_path, f"{line} --yes")
        assert code == 0, shown
        assert (tmp_path / "skykeep.yaml").read_text() == SETTINGS
