"""The guide's program runs as it is printed, on what one line of its configuration says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skykeep.models.manifest import MAX_FILES, MAX_MANIFEST_BYTES
from skykeep.models.store import MAX_BYTES
from skykeep.settings.storage import ModelCacheSettings, StorageSettings
from tests.peers.s3 import S3
from tests.providers.aws.opening_s3 import ENVIRON
from tests.repo.tree import ROOT, python

GUIDE = (ROOT / "docs" / "guides" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
(YAML,) = [text for kind, text in BLOCKS if kind == "yaml"]
(PROGRAM,) = [text for kind, text in BLOCKS if kind == "python"]
PRINTED, _ = [text for kind, text in BLOCKS if kind == "text"]
PRIMARY = "{backend: local} "


def printed(place: Path, primary: str, environ: dict[str, str]) -> str:
    assert PRIMARY in YAML
    (place / "skykeep.yaml").write_text(YAML.replace(PRIMARY, f"{primary} "))
    home = {"SKYKEEP_HOME": str(place / "home"), "HOME": str(place)}
    done = python("-W", "error", "-c", PROGRAM, cwd=place, env={**home, **environ})
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("primary", ["{backend: local}", "{backend: memory}"])
def test_the_program_here(tmp_path: Path, primary: str) -> None:
    assert printed(tmp_path, primary, {}) == PRINTED
    assert (tmp_path / "home" / "cache" / "models" / "trees").is_dir()


def test_the_program_on_s3(tmp_path: Path, seaweedfs_s3: S3) -> None:
    target = (
        f"{{backend: aws, region: us-east-1, bucket: {seaweedfs_s3.new_bucket()}, "
        f"objects_endpoint: '{seaweedfs_s3.address}'}}"
    )
    assert printed(tmp_path, target, ENVIRON) == PRINTED


def test_the_figures_of_the_guide() -> None:
    assert ModelCacheSettings().max_bytes == MAX_BYTES == 20 * 1024**3
    assert f"max_bytes: {MAX_BYTES} " in YAML
    assert f"models_prefix: {StorageSettings().models_prefix} " in YAML
    assert f"at most {MAX_MANIFEST_BYTES // 1024**2} MiB and {MAX_FILES:,} files" in GUIDE
