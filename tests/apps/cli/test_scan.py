"""scan: values and shapes of tokens in files and diffs; where they are, never what."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from skykeep.apps.cli import scan_sources
from skykeep.redaction.shapes import SHAPES, sightings
from tests.apps.cli import page
from tests.apps.cli.harness import Cli

CANARY = "canary-value-1"

# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "aws-access-key-id": "AKIA" + "IOSFODNN7EXAMPLE",
    "google-api-key": "AIza" + "SyD-made_up0" * 2 + "0123456789a",
    "github-token": "ghp_" + "a1B2" * 9,
    "slack-token": "xoxb-" + "123456789012-abcdef",
    "private-key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + "." + "s" * 43,
    "stripe-secret-key": "sk_live_" + "0a" * 12,
}


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/a", CANARY)
    cli("set", "db/b", CANARY)
    cli("set", "long", f"{CANARY}-longer\n")
    cli("set", "lines", "first-line\nsecond-line")
    return cli


def git(*words: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    return subprocess.run(
        ["git", *identity, *words], check=True, capture_output=True, text=True
    ).stdout


def test_values_in_files(filled: Cli) -> None:
    Path("one.txt").write_text(f"é {CANARY}\n\nx\n{CANARY}-longer\nfirst-line\nsecond-line\n")
    Path("folder/.git").mkdir(parents=True)
    Path("folder/.git/two").write_text(CANARY)
    Path("folder/two").write_bytes(b"\0\xff" + CANARY.encode())
    ended = filled("scan", code=1)
    assert sorted(ended.text.splitlines()) == [
        "folder/two:1:3: the value of db/a, db/b",
        "one.txt:1:3: the value of db/a, db/b",
        "one.txt:4:1: the value of long",
        "one.txt:5:1: the value of lines",
    ]
    assert ended.err == "4 findings in 2 files\n"
    assert filled("scan", "folder/two", "--output", "json", code=1).json == {
        "files": 1,
        "findings": [
            {
                "path": "folder/two",
                "line": 1,
                "column": 3,
                "secrets": ["db/a", "db/b"],
                "shape": None,
            }
        ],
    }
    assert filled("scan", "--prefix", "none").err == "no findings in 2 files\n"


@pytest.mark.parametrize("shape", [shape.name for shape in SHAPES])
def test_shapes_of_tokens(bare: Cli, shape: str) -> None:
    assert TOKENS.keys() == {shape.name for shape in SHAPES}
    Path("f").write_text(f"key = '{TOKENS[shape]}'\n")
    ended = bare("scan", "--no-store", "f", code=1)
    assert ended.text == f"f:1:8: looks like {shape}\n"
    assert TOKENS[shape] not in ended.text + ended.err
    finding = bare("scan", "--no-store", "--output=json", code=1).json["findings"][0]
    assert (finding["shape"], finding["secrets"]) == (shape, [])


@pytest.mark.parametrize(
    "text",
    [
        "xAKIA" + "IOSFODNN7EXAMPLE",  # in the middle of a word
        "AKIA" + "IOSFODNN7EXAMPLEX",
        "ghp_" + "short",
        "eyJ" + "hbGciOiJIUzI1NiJ9" + ".no-json-part." + "s" * 43,
        "-----BEGIN " + "PUBLIC KEY-----",
        "pk_live_" + "0a" * 12,
    ],
)
def test_what_only_resembles_a_token(text: str) -> None:
    assert list(sightings(text.encode())) == []


def test_every_shape_says_where_it_comes_from() -> None:
    assert all(len(shape.source) > 20 for shape in SHAPES)


def test_a_token_that_is_in_the_store_is_named_by_its_secret(filled: Cli) -> None:
    token = TOKENS["github-token"]
    filled("set", "gh", token)
    Path("f").write_text(f"{token}\n{TOKENS['slack-token']} {CANARY}\n")
    assert filled("scan", code=1).text == (
        "f:1:1: the value of gh\n"
        "f:2:1: looks like slack-token\n"
        "f:2:26: the value of db/a, db/b\n"
    )
    assert "slack" not in filled("scan", "--no-shapes", code=1).text


def test_a_line_may_be_allowed(filled: Cli) -> None:
    Path("f").write_text(f"{CANARY}  # skykeep:allow (an example)\nx\n")
    assert filled("scan").err == "no findings in 1 file\n"


def test_a_tree_of_git_leaves_out_what_git_ignores(filled: Cli) -> None:
    git("init", "-q")
    Path(".gitignore").write_text("ignored\n")
    for name in ("ignored", "tracked", "new", "deleted"):
        Path(name).write_text(CANARY)
    git("add", "tracked", "deleted")
    Path("deleted").unlink()
    Path("link").symlink_to("ignored")
    ended = filled("scan", code=1)
    assert sorted(line.split(":")[0] for line in ended.text.splitlines()) == ["new", "tracked"]
    assert filled("scan", "ignored", code=1).text.startswith("ignored:1:1:")


def test_what_is_staged(filled: Cli) -> None:
    git("init", "-q")
    Path("f").write_text(f"old\n{CANARY}\nx\ry\nold")
    git("add", ".")
    git("commit", "-q", "-m", "m")
    assert filled("scan", "--staged").err == "no findings in 0 files\n"
    Path("f").write_text("\n".join(["old", CANARY, "x\ry", "new", f"+++ b/{CANARY}", "old"]))
    Path('a "b"\tü').write_text(f"- x\nfirst-line\nsecond-line\n{CANARY}")
    git("add", ".")
    Path("f").write_text("not staged: " + CANARY)
    assert filled("scan", "--staged", code=1).text.splitlines() == [
        'a "b"\\tü:2:1: the value of lines',
        'a "b"\\tü:4:1: the value of db/a, db/b',
        "f:5:7: the value of db/a, db/b",
    ]
    assert filled("scan", "--diff", "HEAD", "--prefix", "db", code=1).text.splitlines() == [
        'a "b"\\tü:4:1: the value of db/a, db/b',
        "f:1:13: the value of db/a, db/b",
    ]


def test_as_a_hook_it_stops_the_commit(filled: Cli) -> None:
    """As .pre-commit-hooks.yaml has it: `skykeep scan --staged`, by git itself."""
    import sys

    git("init", "-q")
    hook = Path(".git/hooks/pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m skykeep scan --staged\n')
    hook.chmod(0o755)
    Path("f").write_text(CANARY)
    git("add", ".")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git("commit", "-q", "-m", "m")
    # git sends what a hook writes to standard error.
    assert "f:1:1: the value of db/a, db/b" in refused.value.stderr
    assert CANARY not in refused.value.stderr
    Path("f").write_text("no secret")
    git("add", ".")
    git("commit", "-q", "-m", "m")


def test_large_files_are_read_in_pieces(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_sources, "_PIECE", 50_000)
    line = "x" * 99 + "\n"
    Path("f").write_text(line * 497 + CANARY + "\n" + line * 700 + f"é {CANARY}\n" + line)
    Path("one-line").write_text("y" * 49_990 + CANARY + "y" * 60_000)
    assert sorted(filled("scan", code=1).text.splitlines()) == [
        "f:1199:3: the value of db/a, db/b",
        "f:498:1: the value of db/a, db/b",
        "one-line:1:49991: the value of db/a, db/b",
    ]


def test_what_makes_no_sense(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    filled("scan", "--staged", "f", code=2)
    filled("scan", "--staged", "--diff", "HEAD", code=2)
    filled("scan", "--no-store", "--no-shapes", code=2)
    filled("scan", "none", code=10)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    assert "no repository" in filled("scan", "--staged", code=13).err
    filled("scan", "--diff", "--output", code=13)
    Path("f").write_text(CANARY)
    monkeypatch.setenv("PATH", str(Path.cwd()))
    assert "git is not installed" in filled("scan", "--staged", code=13).err
    assert filled("scan", code=1).text.startswith("f:1:1:")


def test_a_file_that_cannot_be_read_is_an_error(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f").write_text("x")
    monkeypatch.setattr(scan_sources, "open", _refuse, raising=False)
    ended = filled("scan", code=11)
    assert "warning: the file f cannot be read" in ended.err


def _refuse(path: str, mode: str) -> object:
    raise PermissionError(13, os.strerror(13), path)


def test_it_shows_no_value_in_any_output(filled: Cli) -> None:
    Path(CANARY[:8]).write_text(CANARY)
    for output in ("text", "json"):
        ended = filled("scan", "--output", output, "--all-versions", code=1)
        assert CANARY not in ended.text + ended.err


def test_every_shape_is_behind_a_gate() -> None:
    from skykeep.redaction.shapes import _GATED

    assert sorted(shape.name for _, shapes in _GATED for shape in shapes) == sorted(TOKENS)


def test_the_published_hooks_run(filled: Cli) -> None:
    import shlex

    import yaml

    hooks = yaml.safe_load((page.PAGE.parents[1] / ".pre-commit-hooks.yaml").read_text("utf-8"))
    git("init", "-q")
    Path("f").write_text(TOKENS["aws-access-key-id"])
    git("add", ".")
    for hook in hooks:
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)
        program, *words = shlex.split(hook["entry"])
        assert program == "skykeep"
        assert filled(*words, code=1).text == "f:1:1: looks like aws-access-key-id\n"
