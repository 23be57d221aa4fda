"""Rules about every file in the repository."""

from __future__ import annotations

import os
import re

import pytest

from tests.repo.tree import ROOT, SRC, texts, tracked

LONGEST = 420

# Written in two parts, so that this file does not hold what it looks for. The home of `you`
# is how the documents call the reader's.
MACHINE_PATHS = re.compile(
    r"(?<![\w:/.~$}-])/(?:"
    + "|".join(["wor" + "k/", "roo" + "t/", "hom" + r"e/(?!you\b)\w", "tm" + r"p/\w"])
    + ")"
)
REGISTRIES = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "proxy.golang" + ".org",
    "crates" + ".io",
    "maven.apache" + ".org",
    "deb.debian" + ".org",
]


def findings(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert findings(MACHINE_PATHS) == []


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert findings(re.compile("|".join(map(re.escape, REGISTRIES)))) == []


@pytest.mark.parametrize(
    "line",
    [
        "cd /wor" + "k/x",
        "'/hom" + "e/ann/vault'",
        "--key-file=/tm" + "p/key",
        "(/roo" + "t/.skykeep)",
    ],
)
def test_a_machine_path_would_be_found(line: str) -> None:
    assert MACHINE_PATHS.search(line)


@pytest.mark.parametrize(
    "line", ["https://host/wor" + "k/x", "${HOME}/tm" + "p/x", "a/roo" + "t/b", "~/tm" + "p/x"]
)
def test_other_paths_are_no_machine_paths(line: str) -> None:
    assert not MACHINE_PATHS.search(line)


def test_no_source_file_is_too_long() -> None:
    """A file that grows past about 400 lines wants to be two rooms."""
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in SRC.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_everything_has_a_name_of_its_own() -> None:
    """If a thing has no better name, it has no home yet."""
    nameless = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
    found = [
        path.relative_to(ROOT).as_posix()
        for path in SRC.rglob("*")
        if nameless.intersection(path.stem.lower().split("_"))
        and path.stem != "secrets_manager"  # AWS's own name for the product
    ]
    assert found == []


def test_every_package_says_what_belongs_in_it() -> None:
    """A folder without ``__init__.py`` would also be unseen by the import contracts."""
    folders = {file.parent for file in SRC.rglob("*.py")} - {SRC}
    silent = [
        folder.relative_to(ROOT).as_posix()
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
        or not (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []


def test_no_file_is_tracked_that_git_ignores() -> None:
    parts = {"__pycache__", ".venv", "dist", ".hypothesis", ".coverage"}
    assert [file for file in tracked() if parts.intersection(file.parts)] == []


def test_the_documents_are_there() -> None:
    wanted = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "NOTICE",
        "README.md",
        "SECURITY.md",
        "docs/adr/README.md",
        "docs/dependencies.md",
    ]
    assert [name for name in wanted if not (ROOT / name).is_file()] == []


def test_the_changelog_knows_this_version() -> None:
    import skykeep

    assert f"## [{skykeep.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_relative_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    broken = [
        f"{name}: {target}"
        for name, text in texts()
        if name.endswith(".md")
        for target in link.findall(text)
        if not ((ROOT / name).parent / target).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    files = sorted(file.name for file in folder.glob("[0-9]*.md"))
    assert [file[:4] for file in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [file for file in files if f"({file})" not in index] == []
    parts = ("## Context", "## Decision", "## Consequences", "## Turned down")
    for file in files:
        text = (folder / file).read_text(encoding="utf-8")
        assert [part for part in parts if part not in text] == [], file


def test_ci_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_make_target_for_people_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = {
        name
        for line in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
        for name in line.split()
    }
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    # Steps of other targets.
    assert phony - helped == {"setup-run", "setup-dev", "setup-bench"}
