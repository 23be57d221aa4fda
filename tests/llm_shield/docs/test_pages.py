"""Every scanner, setting, command and public name of the shield has its entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

import llm_shield
from llm_shield.cli import main
from llm_shield.scanner import ScannerSettings
from llm_shield.scanners import HOMES, scanner_class
from tests.repo.tree import ROOT

SCANNERS = ROOT / "docs" / "scanners"
SHIELD = ROOT / "docs" / "shield"
COMMON = set(ScannerSettings.__struct_fields__)


def page(scanner: str) -> Path:
    """PromptInjection -> prompt-injection.md, MaliciousURLs -> malicious-urls.md."""
    return SCANNERS / f"{HOMES[scanner].replace('_', '-')}.md"


@pytest.mark.parametrize("scanner", HOMES)
def test_a_scanner_has_its_page(scanner: str) -> None:
    text = page(scanner).read_text(encoding="utf-8")
    for heading in ("finds", "misses", "igures", "etting", "tune"):
        assert re.search(rf"^#+ .*{heading}", text, re.MULTILINE), f"no heading on {heading}"
    own = set(scanner_class(scanner).Settings.__struct_fields__) - COMMON
    assert not [each for each in sorted(own) if f"`{each}`" not in text]


@pytest.mark.parametrize("scanner", HOMES)
def test_each_setting_of_a_scanner_is_described_where_it_is(scanner: str) -> None:
    kind = scanner_class(scanner).Settings
    described = "".join(each.__doc__ or "" for each in kind.__mro__)
    assert issubclass(kind, msgspec.Struct)
    assert not [each for each in kind.__struct_fields__ if each not in described]


def test_the_list_of_scanners_names_each_page() -> None:
    text = (SCANNERS / "README.md").read_text(encoding="utf-8")
    assert not [each for each in HOMES if f"[{each}]({page(each).name})" not in text]


def commands(parent: click.Command, before: str) -> Iterator[tuple[str, click.Command]]:
    yield before, parent
    if isinstance(parent, click.Group):
        for name, command in parent.commands.items():
            yield from commands(command, f"{before} {name}")


def test_each_command_and_option_has_its_entry() -> None:
    text = (SHIELD / "cli.md").read_text(encoding="utf-8")
    assert isinstance(main, click.Command)
    missing = []
    for name, command in commands(main, "shield"):
        missing += [] if name in text else [name]
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                missing += [f"{name} {each}" for each in option.opts if f"{each}" not in text]
    assert not missing


def test_each_public_name_has_its_entry() -> None:
    text = (SHIELD / "python.md").read_text(encoding="utf-8")
    assert not [each for each in llm_shield.__all__ if f"`{each}`" not in text]
