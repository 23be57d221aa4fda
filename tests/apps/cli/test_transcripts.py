"""What the terminal shows: every file in ``transcripts/``, played and compared.

After a change that is meant: ``SKYKEEP_UPDATE_TRANSCRIPTS=1 make test
TESTS=tests/apps/cli/test_transcripts.py`` writes the files anew; read the diff.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import click
import pytest

from skykeep.apps.cli.program import program
from skykeep.errors import Unsupported
from skykeep.providers.local.kernel_keyring import KernelKeyring
from tests.apps.cli import transcript
from tests.apps.cli.examples import calls, commands

FILES = sorted(transcript.FOLDER.glob("*.txt"))
UPDATE = "SKYKEEP_UPDATE_TRANSCRIPTS"


def held(file: Path, room: Path) -> None:
    """Fail with a diff if the file does not show what happens; or write it anew."""
    text = file.read_text("utf-8")
    found = transcript.again(text, room)
    if found == text:
        return
    if os.environ.get(UPDATE):
        file.write_text(found, "utf-8")
        return
    diff = difflib.unified_diff(
        text.splitlines(), found.splitlines(), file.name, "what happens now", lineterm=""
    )
    pytest.fail("\n".join([f"meant so? {UPDATE}=1 writes it anew", *diff]), pytrace=False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_transcript_is_what_happens(file: Path, tmp_path: Path) -> None:
    if file.stem == "unlock":
        try:
            KernelKeyring()
        except Unsupported as error:
            pytest.skip(error.message)
    held(file, tmp_path)


def test_every_command_is_in_a_transcript() -> None:
    played = [
        step.text for file in FILES for step in transcript.parse(file.read_text("utf-8"))[0]
    ]
    missing = [
        words
        for words, context in commands(program)
        if not isinstance(context.command, click.Group)
        and not any(calls(text, words) for text in played)
    ]
    assert missing == []


# -- the runner can fail

HONEST = """\
# prose

$ echo one; echo two >&2; false
one
2> two
[exit 1]

# Nothing is lost between two commands.
$ before=$?; cd /; printf '%s\\n\\n%s' '$ x' "$PWD"
\\$ x
\\
/
[no newline]

$ echo $before 2026-11-22T03:00:00Z ~ '2> x' <<END
> END
1 [TIME] ~ 2> x
"""


def test_an_honest_transcript(tmp_path: Path) -> None:
    assert transcript.again(HONEST, tmp_path) == HONEST


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("one\n2", "won\n2"),
        ("2> two", "two"),
        ("2> two\n", ""),
        ("[exit 1]", "[exit 2]"),
        ("[exit 1]\n", ""),
        ("[no newline]\n", ""),
        ("\\\n/", "/"),
        ("[TIME]", "2026-11-22T03:00:00Z"),
    ],
)
def test_a_false_one_fails_with_a_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, true: str, false: str
) -> None:
    monkeypatch.delenv(UPDATE, raising=False)
    file = tmp_path / "false.txt"
    assert HONEST.count(true) == 1
    file.write_text(HONEST.replace(true, false))
    with pytest.raises(pytest.fail.Exception) as failed:
        held(file, tmp_path)
    rows = str(failed.value).splitlines()
    assert any(row.startswith("+") and true.splitlines()[0] in row for row in rows)


def test_it_is_written_anew_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UPDATE, "1")
    file = tmp_path / "false.txt"
    file.write_text(HONEST.replace("two\n[exit 1]", "three"))
    held(file, tmp_path)
    assert file.read_text() == HONEST


@pytest.mark.parametrize(
    "text", ["", "# prose only\n", "output\n$ true\n", "$ true\n\noutput\n"]
)
def test_what_is_no_transcript(text: str) -> None:
    with pytest.raises(transcript.Unreadable):
        transcript.parse(text)


def test_a_command_that_ends_the_shell(tmp_path: Path) -> None:
    with pytest.raises(transcript.Unreadable, match="come back from: exit 0"):
        transcript.again("$ true\n\n$ exit 0\n\n$ true\n", tmp_path)
