"""Every command shows examples in its help, and they work as they are written."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import pytest

from skykeep.apps.cli.command import command
from skykeep.apps.cli.command import examples as write_examples
from skykeep.apps.cli.program import program
from tests.apps.cli import examples as examples_module
from tests.apps.cli import examples_home
from tests.apps.cli.examples import commands, examples, run, without_example
from tests.apps.cli.transcript import apart

ROOT = program.make_context("skykeep", [], resilient_parsing=True)
LINES = [
    (words, line)
    for words, context in [("", ROOT), *commands(program)]
    for line in examples(context)
]

ENDS_OTHERWISE = {
    # Unauthenticated: there are no credentials here. MissingExtra: nor is the driver.
    'skykeep --backend aws --region us-east-1 set api-key "sk-1234567890"': {12, 23},
    # Interrupted: by the stand-in for systemctl, which only then has got what it should.
    "skykeep watch db/password --every 15s --initial -- systemctl reload app": {130},
    # Invalid: the vault has none, and a keyring that has it would ask before the example does.
    "skykeep vault forget keyring": {13},
}

SHELLS = {
    "bash": ("bash", "--noprofile", "--norc", "-o", "pipefail", "-c"),
    "zsh": ("zsh", "-f", "-c"),
}
IN_ZSH = "source <(skykeep completion zsh)"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return examples_home.make(tmp_path_factory.mktemp("examples") / "home")


@pytest.mark.parametrize(("words", "line"), LINES, ids=[f"{w or '-'}: {li}" for w, li in LINES])
def test_the_example_works(words: str, line: str, template: Path, tmp_path: Path) -> None:
    home = examples_home.copied(template, tmp_path / "home")
    if before := examples_home.BEFORE.get(line) or examples_home.BEFORE.get(words):
        examples_home.shell(home, before)
    if line == "skykeep lock --all" and not apart():
        pytest.skip("there are no user namespaces: it would lock the vaults of who runs this")
    shell, played = "bash", line
    if line.startswith(IN_ZSH):
        if shutil.which("zsh") is None:
            pytest.skip("zsh is not installed")
        shell, played = "zsh", f"autoload -Uz compinit; compinit -D; {line}"
    ended = run(played, home, SHELLS[shell])
    expected = ENDS_OTHERWISE.get(line, {0})
    assert ended.code in expected, ended
    assert ended.calls, f"no skykeep was called: {ended}"
    assert {code for code, _ in ended.calls} <= expected, ended
    assert examples_home.SHOWN.get(line, "") in ended.shown
    if after := examples_home.AFTER.get(line) or examples_home.AFTER.get(words):
        examples_home.shell(home, after)


def test_every_command_has_an_example_that_calls_it() -> None:
    assert without_example(program) == []


def test_no_note_is_of_an_example_that_is_gone() -> None:
    known = {line for _, line in LINES} | {words for words, _ in LINES}
    notes = (
        examples_home.BEFORE.keys() | examples_home.AFTER.keys() | examples_home.SHOWN.keys()
    )
    assert notes <= known
    assert ENDS_OTHERWISE.keys() <= known


# -- the above can fail


class Group(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, "skykeep new one")


def planted(text: str) -> click.Group:
    """A program whose subcommand ``new one`` has these examples."""

    @command(examples=text)
    def one() -> None:
        """Do it."""

    return click.Group("skykeep", {"new": Group("new", {"one": one})})


def test_a_command_without_an_example_is_found() -> None:
    assert without_example(planted("")) == ["new one"]
    assert without_example(planted("skykeep new two")) == ["new one"]
    assert without_example(planted("# skykeep new one")) == ["new one"]
    assert without_example(planted("x | skykeep --env e new -q one")) == []


def test_a_hidden_command_needs_none() -> None:
    group = planted("")
    hidden = group.commands["new"]
    assert isinstance(hidden, click.Group)
    hidden.commands["one"].hidden = True
    assert without_example(group) == []


@pytest.mark.parametrize(
    ("line", "code", "calls"),
    [
        ("skykeep get nope", 10, [(10, "get nope")]),
        ("skykeep get nope | cat", 10, [(10, "get nope")]),
        ('echo "$(skykeep get nope)"', 0, [(10, "get nope")]),
        ("skykeep-of-old version", 127, []),
    ],
)
def test_an_example_that_fails_is_found(
    line: str, code: int, calls: list[tuple[int, str]], template: Path, tmp_path: Path
) -> None:
    home = examples_home.copied(template, tmp_path / "home")
    ended = run(line, home, SHELLS["bash"])
    assert (ended.code, ended.calls) == (code, calls)


def test_an_example_that_does_not_end_is_found(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = examples_home.copied(template, tmp_path / "home")
    monkeypatch.setattr(examples_module, "_PATIENCE", 0)
    with pytest.raises(AssertionError, match="neither ended nor asked"):
        run("while :; do sleep 1000; done", home, SHELLS["bash"])
