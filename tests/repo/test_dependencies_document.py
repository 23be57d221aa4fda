"""docs/dependencies.md gives a reason for everything that is installed on purpose."""

from __future__ import annotations

import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repo.tree import ROOT, locked, wanted

TEXT = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """Package -> cells of its row, of the table under the heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {canonicalize_name(row[0]): row for row in cells if not set(row[0]) <= {"-"}}


RUN = ("To run", "With the extras of llm_shield", "What these bring along")
SHIELD = ("shield", "shield-pii", "shield-tokens")


def all_rows() -> dict[str, list[str]]:
    return {name: row for heading in RUN for name, row in rows(heading).items()}


def test_every_run_dependency_is_described_in_full() -> None:
    described = {**rows("To run"), **rows("With the extras of llm_shield")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for name in SHIELD for text in project["optional-dependencies"][name]]
    for text in (*project["dependencies"], *extras):
        row = described[canonicalize_name(Requirement(text).name)]
        assert len(row) == 6
        assert all(row), row


def test_what_they_bring_along_is_described_too() -> None:
    described = all_rows()
    kept = {canonicalize_name(requirement.name) for requirement, _ in locked("run.txt")}
    assert kept == described.keys()


def test_the_figures_are_those_of_the_locked_versions() -> None:
    """`make lock` changed a version: measure again (scripts/dependency_figures.py)."""
    described = all_rows()
    # Of some packages older Pythons get another version; the page has one of them.
    versions: dict[str, set[str]] = {}
    for requirement, _ in locked("run.txt"):
        versions.setdefault(canonicalize_name(requirement.name), set()).add(
            str(requirement.specifier)
        )
    for name, kept in versions.items():
        assert f"=={described[name][1]}" in kept


def test_every_tool_has_its_reason() -> None:
    described = rows("To test, check and build")
    asked = {
        canonicalize_name(requirement.name)
        for file in (
            *("build.in", "dev.in", "docs.in", "bench.in"),
            *("rivals.in", "llm-guard.in"),
        )
        for requirement in wanted(file)
    }
    assert asked == described.keys()
    assert all(all(row) for row in described.values())


def test_every_server_has_its_reason() -> None:
    described = rows("Servers for the tests")
    asked = {canonicalize_name(requirement.name) for requirement in wanted("peers.in")}
    assert asked == described.keys()
    assert all(all(row) and len(row) == 3 for row in described.values())
