"""Pages show what the program says and does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from scripts.docs_site import contents, sessions, tables
from scripts.docs_site.sessions import PAGES, ROOT, PageError, difference, made, steps
from skykeep.apps.cli.exit_codes import ERRORS

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_session_shows_what_its_commands_print(name: str) -> None:
    assert difference(name) == "", "make it anew: make pages"


def test_the_tutorial_runs_every_block_but_the_installation() -> None:
    text = read("docs/tutorial.md")
    left_alone = re.findall(r"<!-- not run: .*?-->\n```(\w+)", text)
    assert left_alone == ["sh"]
    assert sum(step.shown is not None for step in steps(text)) >= 12


def test_an_output_that_changed_is_noticed() -> None:
    text = "```console\n$ echo one\none\n$ echo two\nthree\n```\n"
    assert made(text) == text.replace("three", "two")


def test_the_exit_code_and_the_variables_of_a_command_reach_the_next() -> None:
    text = "```console\n$ x=5; (exit 3)\n$ echo $? $x\n3 5\n$ cat <<E\n> a\n> E\na\n```\n"
    assert made(text) == text


def test_files_and_unseen_commands_come_in_their_order() -> None:
    text = (
        "<!-- before: mkdir d -->\n<!-- file: d/a.txt -->\n```\n$x 'y'\n```\n"
        "```console\n$ cat d/a.txt\n$x 'y'\n```\n"
    )
    assert made(text) == text


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```python\nprint()\n```\n", "line 1: a block of 'python' that nobody runs"),
        ("```console\nno command\n```\n", "begins with what is no command"),
        ("<!-- before: echo seen -->\n", "is not shown and prints"),
        ("```console\n$ exit 3\n$ echo never\n```\n", "the shell ended early"),
    ],
)
def test_a_page_that_cannot_be_run_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(PageError, match=re.escape(wrong)):
        made(text)


def test_only_times_spaces_versions_and_ids_may_differ() -> None:
    one = "2  2026-11-22 03:53:40Z  32  current, Python 3.11.7, k.cd1bcf73.counter"
    other = "2 2027-01-02 13:00:00Z 32 current, Python 3.13.0, k.96b03ec0.counter"
    assert sessions.same(one) == sessions.same(other)
    assert sessions.same(one) != sessions.same(other.replace("32", "33"))


@pytest.mark.parametrize("name", PAGES)
def test_yaml_that_is_not_run_can_be_read(name: str) -> None:
    for kind, text in BLOCK.findall(read(name)):
        if kind == "yaml":
            assert yaml.safe_load(text)


def test_commands_of_the_ci_examples_are_tried_on_the_page() -> None:
    text = read("docs/guides/ci.md")
    github, gitlab = (
        yaml.safe_load(body) for kind, body in BLOCK.findall(text) if kind == "yaml"
    )
    lines = [step["run"] for step in github["jobs"]["deploy"]["steps"] if "run" in step]
    lines += gitlab["deploy"]["script"]
    used = [line.split()[:3] for line in lines if line.startswith("skykeep ")]
    assert used == [["skykeep", "run", "--prefix"]] * 2
    assert "$ skykeep run --prefix deploy/" in text


def test_the_settings_are_those_of_the_model() -> None:
    text = tables.PAGE.read_text(encoding="utf-8")
    assert tables.filled(text) == text, "make it anew: make pages"


def test_a_table_that_is_out_of_date_is_made_anew() -> None:
    text = "<!-- settings: Targets -->\n| old |\n<!-- end -->\n"
    assert "| `backend` | text |" in tables.filled(text)
    with pytest.raises(KeyError):
        tables.filled("<!-- settings: Nothing -->\n<!-- end -->\n")


def test_troubleshooting_says_each_exit_code() -> None:
    text = read("docs/guides/troubleshooting.md")
    for name, ending in ERRORS.items():
        section = text.partition(f"\n## {name}\n")[2].lstrip()
        assert section.startswith(f"Exit code {ending.code}. "), name


def test_the_glossary_has_every_word_of_the_architecture() -> None:
    section = read("ARCHITECTURE.md").partition("\n## Words\n")[2].partition("\n## ")[0]
    plain = re.sub(r"\([^)]*\)|`", "", " ".join(section.split())).rstrip(". ")
    words = [word for entry in plain.split(" · ") for word in re.split(r"[,/]", entry)]
    first = {word.split()[0].removesuffix("s") for word in words}
    assert len(first) > 15
    glossary = read("docs/reference/glossary.md")
    known = {term.removesuffix("s") for term in re.findall(r"\*\*([\w -]+)\*\*", glossary)}
    assert {word for word in first if word not in known} == set()


def test_a_contents_page_is_the_parent_of_what_it_links_to() -> None:
    text = "[a](a.md) [up](../b.md#x)\n[c](d/c.md) [a](a.md) [no](e.json)\n"
    assert list(contents.trees("docs/x/README", text)) == [("", ["/docs/x/a", "/docs/x/d/c"])]
    parts = "none\n## One\n[a](a.md)\n## Two\n[b](../b.md)\n"
    assert list(contents.trees(contents.FIRST, parts)) == [
        ("One", ["a </docs/a>"]),
        ("Two", ["b </b>"]),
    ]


@pytest.mark.parametrize("page", sorted(contents.CONTENTS))
def test_the_contents_pages_are_there(page: str) -> None:
    assert Path(ROOT, f"{page}.md").is_file()
