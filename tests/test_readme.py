"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import vault
from skykeep.providers.local.settings import LocalSettings

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
SHOWN = [
    """SecretValue(6 bytes)
s3cret 1 ('current',)
db/password {'owner': 'storage'}
""",
    """{'db/user': 'value of db/user', 'db/password': 'value of db/password'}
there is no secret 'db/pasword' [primary (local)]; see the names: skykeep ls
""",
]


@pytest.mark.parametrize(("example", "shown"), list(zip(EXAMPLES, SHOWN, strict=True)))
def test_the_python_examples_run_on_the_embedded_default(
    tmp_path: Path, example: str, shown: str
) -> None:
    environ = {"SKYKEEP_HOME": str(tmp_path), "SKYKEEP_KEY_FILE": str(tmp_path / "key")}
    vault.create(LocalSettings(backend="local"), OpenContext("t", environ, lambda: tmp_path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (shown, "", 0)


def test_the_session_is_what_the_commands_print() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/readme.py", "--check"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
