"""The guide's configurations load, its programs print what it says, its commands are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from skykeep import registry
from skykeep.apps.cli.program import COMMANDS
from skykeep.settings.load import Flags, check, load
from skykeep.settings.model import EnvironmentSettings
from tests.repo.tree import ROOT

GUIDE = (ROOT / "docs" / "guides" / "several-clouds.md").read_text("utf-8")
CONFIGURATIONS = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\nIt prints:\n\n```text\n(.*?)^```",
    GUIDE,
    re.MULTILINE | re.DOTALL,
)


def test_every_program_says_what_it_prints() -> None:
    assert len(EXAMPLES) == GUIDE.count("```python\n") == 2


@pytest.mark.parametrize(("example", "expected"), EXAMPLES)
def test_the_program_prints_what_the_guide_says(
    example: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "skykeep.yaml").write_text(CONFIGURATIONS[0])
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "SKYKEEP_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, expected), ended.stderr


def real(text: str) -> str:
    """With the targets that are in the comments."""
    return re.sub(r"\{backend: memory[^}]*\} +# (\{.*\})", r"\1", text)


@pytest.mark.parametrize("text", [*CONFIGURATIONS, real(CONFIGURATIONS[0])])
def test_the_configurations_load(text: str, tmp_path: Path) -> None:
    path = tmp_path / "skykeep.yaml"
    path.write_text(text)
    flags, environ = Flags(config=path), {"SKYKEEP_HOME": str(tmp_path)}
    loaded = load(flags, environ=environ, settings_of=registry.settings_type)
    assert loaded.failover
    found = check(
        flags,
        environ=environ,
        settings_of=registry.settings_type,
        lacking_of=registry.lacking,
    )
    assert found.ok
    assert {note.key for note in found.notes} <= {"production.writes"}


def test_the_comments_are_real_targets() -> None:
    targets = yaml.safe_load(real(CONFIGURATIONS[0]))["production"]
    backends = [targets["primary"], targets["failover"], *targets["backups"]]
    assert [each["backend"] for each in backends] == ["aws", "azure", "local"]


def test_the_defaults_are_those_of_the_settings() -> None:
    own = EnvironmentSettings(primary={"backend": "memory"})
    assert f"| `writes` | `{own.writes}` |" in GUIDE
    assert f"| `attempt_seconds` | {own.attempt_seconds:g} |" in GUIDE
    breaker, hedge, journal = own.breaker, own.hedge, own.journal
    assert (
        f"`failures: {breaker.failures}`, `probe_seconds: {breaker.probe_seconds:g}`" in GUIDE
    )
    assert f"`enabled: {str(hedge.enabled).lower()}`, `budget: {hedge.budget}`" in GUIDE
    assert f"`journal.max_entries` ({journal.max_entries:,})" in GUIDE
    assert f"`journal.max_bytes` ({journal.max_bytes >> 20} MiB)" in GUIDE
    assert f"| `cache.max_stale_seconds` | {own.cache.max_stale_seconds:g} |" in GUIDE
    assert f"| `sweep_seconds` | {own.sweep_seconds:g} |" in GUIDE


def test_the_commands_are_there() -> None:
    named = set(re.findall(r"(?:`|^)skykeep (?:--\S+ )?([a-z]+)", GUIDE, re.MULTILINE))
    assert {"health", "reconcile", "doctor", "diff", "sync"} <= named <= COMMANDS.keys()
