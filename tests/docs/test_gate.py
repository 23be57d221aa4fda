"""What the program has is found, and what has no entry is told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.docs_site import inventory
from scripts.docs_site.gate import Kind, differences
from scripts.docs_site.inventory import commands, options, settings, variables


def test_a_thing_without_an_entry_and_an_entry_without_a_thing_are_told() -> None:
    kinds = {"command": Kind("page", frozenset({"get", "new"}), frozenset({"get", "old"}))}
    assert list(differences(kinds)) == [
        ("page", "the command 'new' has no entry"),
        ("page", "there is no command 'old', and there is an entry of it"),
    ]


def test_commands_and_options_are_found_in_groups_too() -> None:
    assert {"skykeep", "get", "vault", "vault verify", "import"} <= commands().keys()
    assert {
        "skykeep --config",
        "skykeep -h",
        "init --key-file",
        "vault restore --replace",
        "get --output",
    } <= options()


def test_settings_are_those_of_the_model_and_of_each_provider() -> None:
    found = {(setting.section, setting.key): setting for setting in settings()}
    assert found["Environments", "retry.attempts"].default == "3"
    assert found["Environments", "retry.attempts"].kind == (
        "a whole number, at least 1, at most 10"
    )
    assert ("Targets of local", "key_file") in found
    assert ("Targets of local", "region") not in found  # every target has it
    assert found["The auth tree", "auth.api_keys.source"].kind == (
        "`aws_secrets_manager`, `env`, `file`"
    )
    assert all(setting.meaning for setting in found.values())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("HOME = 'SKYKEEP_NEW_HOME'", "SKYKEEP_NEW_HOME"),
        ("os.environ.get('PAGER')", "PAGER"),
        ("context.environ['PAGER']", "PAGER"),
        ("os.getenv('PAGER', 'less')", "PAGER"),
        ("X = 'PAGER'\nenviron.get(X)", "PAGER"),
        ("X: Final = 'PAGER'\nenviron.get(X, '')", "PAGER"),
        ("call(environ.get('A') or environ.get('PAGER'))", "PAGER"),
    ],
)
def test_a_new_variable_is_found_where_it_is_read(
    tmp_path: Path, source: str, name: str
) -> None:
    assert name not in variables(tmp_path)
    ast.parse(source)
    (tmp_path / "new.py").write_text(source)
    assert name in variables(tmp_path)


@pytest.mark.parametrize("source", ["'say SKYKEEP_X'", "settings.get('PAGER')", "'PAGER'"])
def test_other_text_is_no_variable(tmp_path: Path, source: str) -> None:
    before = variables(tmp_path)
    (tmp_path / "new.py").write_text(source)
    assert variables(tmp_path) == before


def test_every_flag_and_proxy_variable_is_one() -> None:
    assert {"SKYKEEP_REGION", "SKYKEEP_LOG", "NO_COLOR", "https_proxy"} <= variables()


def test_public_names_are_those_of_the_public_modules() -> None:
    found = inventory.public_names()
    assert found["skykeep.SecretValue"] == "skykeep.interfaces.secret_value.SecretValue"
    assert {
        "skykeep.errors.NotFound",
        "skykeep.interfaces.secret_driver.SecretDriver",
        "skykeep.conformance.plugin.skykeep_blocking_cloud",
        "skykeep.integrations.log_filter.MaskSecrets",
        "skykeep.settings.model.Environment",
    } <= set(found.values())


def test_the_parts_that_are_not_public_are_there() -> None:
    """A part that was renamed would hide nothing, and its new name would need entries."""
    source = inventory.SOURCES.parent
    assert [
        part
        for part in inventory.PARTS
        if not source.joinpath(*part.split(".")).with_suffix(".py").is_file()
    ] == []
