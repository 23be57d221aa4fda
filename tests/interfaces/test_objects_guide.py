"""The examples of the guide on objects print what it says: without a configuration, with the
guide's own, and by its one line on S3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.s3 import ACCESS_KEY, S3, SECRET_KEY

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "objects.md"


EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\nIt prints:\n\n```text\n(.*?)^```",
    GUIDE.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == GUIDE.read_text(encoding="utf-8").count("```python\n") > 0


(SETTINGS,) = re.findall(
    r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
of_each = pytest.mark.parametrize(("example", "expected"), EXAMPLES)


@of_each
@pytest.mark.parametrize("settings", [None, SETTINGS], ids=["bare", "configured"])
def test_on_a_directory(
    example: str, expected: str, settings: str | None, tmp_path: Path
) -> None:
    runs(example, expected, settings, tmp_path)


@of_each
def test_on_s3(example: str, expected: str, tmp_path: Path, seaweedfs_s3: S3) -> None:
    target = (
        f"{{backend: aws, region: us-east-1, bucket: {seaweedfs_s3.new_bucket()}, "
        f"objects_endpoint: '{seaweedfs_s3.address}'}}"
    )
    assert SETTINGS.count("{backend: local}") == 1
    runs(example, expected, SETTINGS.replace("{backend: local}", target), tmp_path)


def runs(example: str, expected: str, settings: str | None, tmp_path: Path) -> None:
    if settings is not None:
        (tmp_path / "skykeep.yaml").write_text(settings)
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SKYKEEP_HOME": str(tmp_path)}
        | keys,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, expected), ended.stderr
