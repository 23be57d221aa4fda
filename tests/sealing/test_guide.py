"""The example of the guide on encryption is run as it is printed, and prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "encryption.md").read_text(
    encoding="utf-8"
)


def test_the_example_prints_what_the_guide_says(tmp_path: Path) -> None:
    configuration = re.search(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (example,) = re.findall(
        r"^```python\n(.*?)^```\n\nIt prints:\n\n```text\n(.*?)^```",
        GUIDE,
        re.MULTILINE | re.DOTALL,
    )
    assert configuration is not None
    (tmp_path / "skykeep.yaml").write_text(configuration[1], encoding="utf-8")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SKYKEEP_HOME": str(tmp_path / "home"),
        "SKYKEEP_ENV": "app",
        "SKYKEEP_KEY_FILE": str(tmp_path / "vault.key"),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    made = run("-m", "skykeep", "init", "--key-file", str(tmp_path / "vault.key"))
    assert made.returncode == 0, made.stderr
    ended = run("-W", "error", "-c", example[0])

    assert (ended.returncode, ended.stdout) == (0, example[1]), ended.stderr
    kept = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(b"quarterly figures" in each or b"correct horse" in each for each in kept)
