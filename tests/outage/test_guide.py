"""docs/guides/outage.md shows what happens; and a page that shows something else is found.

After a change that is meant: ``make outage`` writes the page anew; read the diff.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outage.guide import PAGE, difference, played
from tests.outage.masks import Masks, aligned
from tests.outage.night import Application, Night, Unexpected, night
from tests.peers import aws, openbao
from tests.peers.faults import FaultProxy
from tests.peers.peer import MOTO_MENDED, OPENBAO, Server
from tests.peers.plugin import local

HERE = "http://127.0.0.1:9"


@pytest.mark.slow
def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    """The servers are its own: names on the page are those of an application."""
    for name in ("home", "aws", "vault"):
        (tmp_path / name).mkdir()
    shown = PAGE.read_text(encoding="utf-8")
    with (
        local(MOTO_MENDED, aws.moto_mended(tmp_path / "aws")) as cloud,
        local(OPENBAO, openbao.development(tmp_path / "vault")) as vault,
        night(tmp_path / "home", cloud, vault) as one,
    ):
        now = played(shown, one)
    if found := difference(shown, now):
        pytest.fail(f"meant so? make outage\n{found}", pytrace=False)


# -- the page can be wrong, and is told


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Night]:
    """A night in which no server is asked."""
    with FaultProxy(HERE) as proxy:
        one = Night(tmp_path, proxy, Server(MOTO_MENDED, HERE), _vault())
        yield one
        one.end()


def _vault() -> openbao.OpenBao:
    return openbao.OpenBao(Server(OPENBAO, HERE), "token")


def _logging(one: Night, *lines: str) -> None:
    """Let an application run that logs these and waits."""
    program = f"import sys; print({chr(10).join(lines)!r}, file=sys.stderr); sys.stdin.read()"
    one.run([sys.executable, "-c", program])


CONSOLE = "```console\n$ echo one; (exit 3)\none\n$ echo $?\n3\n```\n"


def test_what_is_so_stays(quiet: Night) -> None:
    text = f"# Prose\n\n<!-- file: a -->\n```yaml\nb: c\n```\n{CONSOLE}prose\n"
    assert played(text, quiet) == text
    assert (quiet.home / "a").read_text() == "b: c\n"


@pytest.mark.parametrize(
    ("true", "false"), [("\none", "\ntwo"), ("3\n`", "4\n`"), ("one\n$", "$")]
)
def test_what_is_not_so_is_found(quiet: Night, true: str, false: str) -> None:
    wrong = CONSOLE.replace(true, false, 1)
    assert wrong != CONSOLE
    assert played(wrong, quiet) == CONSOLE
    assert difference(wrong, CONSOLE)


def test_the_log_is_what_was_logged(quiet: Night) -> None:
    _logging(quiet, "INFO shop: a", "WARNING skykeep: b", "INFO shop: c", "WARNING skykeep: d")
    text = "<!-- log: d -->\n```text\n```\n<!-- said: c -->\n```text\nnonsense\n```\n"
    now = played(text, quiet)
    assert re.findall(r"```text\n(.*?)```", now, re.DOTALL) == [
        "WARNING skykeep: b\nWARNING skykeep: d\n",
        "INFO shop: c\n",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```text\nmade up\n```\n", "nobody plays"),
        ("<!-- night: the sun rises -->\n", "nothing is called"),
        ("<!-- said: a -->\n```text\n```\n", "does not run"),
        ("<!-- before: echo no; false -->\n", "ended with 1: echo no; false\nno"),
        ("<!-- before: false -->\n", "ended with 1"),
    ],
)
def test_what_cannot_be_played(quiet: Night, text: str, said: str) -> None:
    with pytest.raises(Unexpected, match=said):
        played(text, quiet)


def test_a_line_that_the_page_leaves_out(quiet: Night) -> None:
    _logging(quiet, "WARNING skykeep: a", "WARNING skykeep: b")
    with pytest.raises(Unexpected, match=r"not on the page.*skykeep: b"):
        played("<!-- log: a -->\n```text\n```\n", quiet)


def test_a_line_that_never_comes(quiet: Night) -> None:
    quiet.run(
        [sys.executable, "-c", "import sys; print('WARNING skykeep: a', file=sys.stderr)"]
    )
    with pytest.raises(Unexpected, match="did not log 'b'"):
        quiet.log("b")
    quiet.log("a")


def test_an_application_ends_with_its_input(quiet: Night) -> None:
    _logging(quiet, "INFO shop: a")
    application: Application = quiet.application
    quiet.end()
    assert application.process.returncode == 0


# -- masks

MASKED = {
    "answers again after 12.3 s": "answers again after [N] s",
    "open after 5 tries (had no answer within 2 s); next probe in 4.71 s": (
        "open after 5 tries (had no answer within 2 s); next probe in [N] s"
    ),
    "/nowhere/journal/production-0a1b2c3d.db at 127.0.0.1:4711": (
        "~/journal/production-[ID].db at 127.0.0.1:[PORT]"
    ),
    "since 2026-11-22 02:51Z": "since [TIME]",
    "version skykeep-000660de71d4c73c46db": "version [VERSION]",
    'version "2", "age": 0.022': 'version "2", "age": [N]',
    "#0b53ef3f #6e5ac2a5 #0b53ef3f": "#[A] #[B] #[A]",
    "2 writes are owed": "2 writes are owed",
}


@pytest.mark.parametrize(("text", "masked"), MASKED.items())
def test_what_is_masked(text: str, masked: str) -> None:
    assert Masks(Path("/nowhere"))(text) == masked


def test_tables_are_as_wide_as_their_masks() -> None:
    wide = "NAME  ANSWER   SAID\na     2004 ms  -\nbb    3 ms     down\nb: ok\n"
    masked = "NAME  ANSWER  SAID\na     [N] ms  -\nbb    [N] ms  down\nb: ok\n"
    assert Masks(Path("/nowhere"))(wide) == masked
    short = "  A        B\n  one   two\n  three  -\nlast\n"
    assert aligned(short) == "  A      B\n  one    two\n  three  -\nlast\n"


def test_what_is_no_table_stays() -> None:
    for text in ("NAME\nvalue\n", "Name  B\na  b\n", "A  B\nprose\n", "A  B  C\n"):
        assert aligned(text) == text
