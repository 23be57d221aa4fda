"""The guide for Python applications: what it prints is run, in its order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integrations.conftest import Home

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guides" / "python.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:^<!-- from: (\S+) -->\n)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
BLOCKS = [match.groups() for match in BLOCK.finditer(TEXT)]
CONSOLE = [text for _, kind, text in BLOCKS if kind == "console"]
RUN = [text for source, kind, text in BLOCKS if kind == "python" and not source]
TAKEN = [(source, text) for source, _, text in BLOCKS if source]

SHOWN = [
    """Database(password=SecretValue(15 bytes), user='app', port=6432)
s3cret-and-long None
rotated-and-long
""",
    """db=Database(password=SecretStr('**********'), port=6432) \
api_key=SecretStr('**********') debug=False
s3cret-and-long
db=Database(password=SecretStr('**********'), port=1) \
api_key=SecretStr('**********') debug=False
""",
    """\
  Input should be a valid integer, unable to parse string as an integer \
[type=int_parsing, input_value=SecretValue(16 characters), input_type=VeiledText]
""",
    """\
WARNING cannot connect to postgres://app:***@db/app
ERROR no database
Traceback (most recent call last):
  File "example.py", line 17, in <module>
    raise OSError("login failed: app/***")
OSError: login failed: app/***
""",
]


@pytest.fixture
def stored(home: Home) -> Home:
    """What the guide keeps first, kept by its commands."""
    (commands,) = CONSOLE
    script = "".join(line.removeprefix("$ ") for line in commands.splitlines(keepends=True))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=home.path,
        env=home.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return home


@pytest.mark.parametrize(("example", "shown"), list(zip(RUN, SHOWN, strict=True)))
def test_the_examples_print_this(stored: Home, example: str, shown: str) -> None:
    (stored.path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=stored.path,
        env=stored.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout.replace(f"{stored.path}/", "")
    assert (printed, done.stderr, done.returncode) == (shown, "", 0)


def test_what_is_taken_from_the_examples_is_in_them() -> None:
    """They are run by their own tests."""
    assert len(TAKEN) == 2
    for source, text in TAKEN:
        assert text in (ROOT / source).read_text(encoding="utf-8"), source


def test_no_block_is_left_out() -> None:
    assert TEXT.count("\n```") == 2 * len(BLOCKS)
    assert len(BLOCKS) == len(CONSOLE) + len(RUN) + len(TAKEN)
