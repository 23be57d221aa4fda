"""What is locked is what was asked for. The files are compared; no registry is asked."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repo.tree import ROOT, locked, wanted

NAMES = ["run", "build", "dev", "docs", "bench", "peers", "rivals", "llm-guard"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name: str) -> dict[str, str]:
    return {
        canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
        for requirement, _ in locked(f"{name}.txt")
    }


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_is_pinned_by_version_and_hash(name: str) -> None:
    loose = [
        requirement.name
        for requirement, line in locked(f"{name}.txt")
        if not re.fullmatch(r"==[^*]+", str(requirement.specifier))
        or not re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", line)
        or requirement.url
    ]
    assert loose == []


@pytest.mark.parametrize("name", NAMES)
def test_requirement_files_name_packages_and_nothing_else(name: str) -> None:
    """No index, no local folder of wheels: where packages come from is the user's affair."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    options = set(re.findall(r"(?m)(?:^|\s)(-{1,2}[a-z][a-z-]*)", text))
    assert options == {"--hash"}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_locked(name: str) -> None:
    """``make lock`` after a change of an .in file."""
    kept = pins(name)
    missing = [
        str(requirement)
        for requirement in wanted(f"{name}.in")
        if canonicalize_name(requirement.name) not in kept
        or kept[canonicalize_name(requirement.name)] not in requirement.specifier
    ]
    assert missing == []


def test_what_pyproject_declares_is_what_is_locked() -> None:
    """What skykeep needs, and the shield's extras: ``make run`` has both."""
    extras = PROJECT["optional-dependencies"]
    texts = {*PROJECT["dependencies"]}
    texts.update(*(extras[name] for name in ("shield", "shield-pii", "shield-tokens")))
    declared = [Requirement(text) for text in texts]
    assert names(declared) == names(wanted("run.in"))
    kept = pins("run")
    assert [
        str(requirement)
        for requirement in declared
        if kept[canonicalize_name(requirement.name)] not in requirement.specifier
    ] == []


@pytest.mark.parametrize("extra", ["aws", "vault", "testing", "keyring", "pydantic", "zstd"])
def test_what_an_extra_declares_is_tested_with(extra: str) -> None:
    kept = pins("dev")
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        assert kept[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize(
    ("lower", "upper"),
    [("run", "dev"), ("build", "dev"), ("dev", "docs"), ("dev", "bench"), ("docs", "bench")],
)
def test_files_installed_into_one_environment_agree(lower: str, upper: str) -> None:
    first, second = pins(lower), pins(upper)
    differ = {
        name: (first[name], second[name])
        for name in first.keys() & second.keys()
        if first[name] != second[name]
    }
    assert differ == {}
