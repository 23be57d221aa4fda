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
SECTIONS = re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


# Each with the configuration that stands in its section, if any.
EXAMPLES = [
    ("".join(blocks("yaml", section)), example)
    for section in SECTIONS
    for example in blocks("python", section)
]
SHOWN = [
    """SecretValue(6 bytes)
s3cret 1 ('current',)
db/password {'owner': 'storage'}
""",
    """{'db/user': 'value of db/user', 'db/password': 'value of db/password'}
there is no secret 'db/pasword' [primary (local)]; see the names: skykeep ls
""",
    "".join(blocks("text", "".join(SECTIONS))),
    """Write to [EMAIL_1] about invoice 7, the key is in the vault.
I have written to ada@example.com.
""",
]


@pytest.mark.parametrize(("example", "shown"), list(zip(EXAMPLES, SHOWN, strict=True)))
def test_the_python_examples_print_what_is_shown(
    tmp_path: Path, example: tuple[str, str], shown: str
) -> None:
    configuration, program = example
    if configuration:
        (tmp_path / "skykeep.yaml").write_text(configuration)
    environ = {"SKYKEEP_HOME": str(tmp_path), "SKYKEEP_KEY_FILE": str(tmp_path / "key")}
    vault.create(LocalSettings(backend="local"), OpenContext("t", environ, lambda: tmp_path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
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
