"""The configuration guide: its examples load, its tables say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skykeep.settings.load import Flags, check
from skykeep.settings.overrides import overrides
from tests.settings.conftest import Load, Mistakes
from tests.settings.providers import lacking_of, settings_of

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "configuration.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_load(loaded: Load, text: str) -> None:
    environ = {"VAULT_TOKEN": "t"}
    loaded(text, environ)
    assert check(environ=environ, settings_of=settings_of, lacking_of=lacking_of).ok


def test_every_flag_and_variable_is_there() -> None:
    for name in Flags.__dataclass_fields__:
        assert f"`--{name.replace('_', '-')}`" in GUIDE
        assert f"`SKYKEEP_{name.upper()}`" in GUIDE
    given = {name: "5" for name in Flags.__dataclass_fields__ if name != "config"}
    variables = {f"SKYKEEP_{name.upper()}": "5" for name in given if name != "key_file"}
    assert set(overrides(Flags(), variables)) == set(given) - {"key_file"}
    assert set(overrides(Flags(**given), {})) == set(given)


@pytest.mark.parametrize(
    ("key", "value"), [("region", "no"), ("account", "012"), ("regoin", "eu")]
)
def test_messages(mistakes: Mistakes, key: str, value: str) -> None:
    (line,) = mistakes(f"a: {{primary: {{backend: aws, {key}: {value}}}}}")
    assert f"| `{line.partition(f'{key}: ')[2]}` |" in GUIDE


def test_message_on_a_quoted_number(mistakes: Mistakes) -> None:
    (line,) = mistakes('cache: {ttl_seconds: "5"}')
    assert f"| `{line.partition('ttl_seconds: ')[2]}` |" in GUIDE
