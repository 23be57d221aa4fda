"""The guide's program prints what it says, on a directory and, by one line of YAML, on S3."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from skykeep.archive.archive import BUFFER_BYTES
from skykeep.archive.batches import AGAIN_SECONDS, BATCH_BYTES
from skykeep.archive.records import MAX_RESULT
from skykeep.archive.store import AT_ONCE, MAX_SEARCH_DAYS
from skykeep.settings.storage import ArchiveSettings
from tests.peers.s3 import ACCESS_KEY, S3, SECRET_KEY
from tests.repo.tree import ROOT, python

GUIDE = (ROOT / "docs" / "guides" / "archive.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
((_, SETTINGS), (_, PROGRAM), (_, PRINTED)) = BLOCKS
LOCAL = "  primary: {backend: local}"
WAYS = pytest.mark.parametrize("more", ["", "batch: 500, ", "compress: zstd, ",
                                        "batch: 500, compress: zstd, "])  # fmt: skip


def ran(here: Path, settings: str, more: str) -> str:
    wanted = settings.replace("archive: {", f"archive: {{{more}")
    assert wanted.count(more) > 0
    (here / "skykeep.yaml").write_text(wanted)
    done = python(
        *("-W", "error", "-c", PROGRAM),
        cwd=here,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(here),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        },
    )
    return done.stdout


@WAYS
def test_on_a_directory(more: str, tmp_path: Path) -> None:
    assert ran(tmp_path, SETTINGS, more) == PRINTED


@WAYS
def test_on_s3(more: str, tmp_path: Path, seaweedfs_s3: S3) -> None:
    lines = SETTINGS.splitlines()
    (number,) = [n for n, line in enumerate(lines) if line.startswith(LOCAL)]
    lines[number] = (
        f"  primary: {{backend: aws, region: us-east-1, bucket: {seaweedfs_s3.new_bucket()}, "
        f"objects_endpoint: '{seaweedfs_s3.address}'}}"
    )
    assert ran(tmp_path, "\n".join(lines), more) == PRINTED


def test_the_figures() -> None:
    defaults = ArchiveSettings()
    for name, written in (
        ("batch", f"{defaults.batch}"),
        ("batch_seconds", f"{defaults.batch_seconds:g}"),
        ("compress", defaults.compress),
    ):
        assert re.search(rf"^\| `{name}` \| .* \| `{written}` \|$", GUIDE, re.MULTILINE)
    for said in (
        f"{MAX_SEARCH_DAYS} at most",
        f"`buffer_bytes` ({BUFFER_BYTES >> 20} MiB)",
        f"every {AGAIN_SECONDS:g} seconds",
        f"{BATCH_BYTES >> 20} MiB at most",
        f"{MAX_RESULT >> 20} MiB as JSON",
    ):
        assert said in GUIDE, said
    assert (AT_ONCE, "eight at once" in GUIDE) == (8, True)
