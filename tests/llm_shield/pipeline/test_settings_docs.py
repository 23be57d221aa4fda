from __future__ import annotations

import json
from typing import Any

import pytest

from llm_shield.scanner import Side
from llm_shield.scanners import HOMES
from scripts import shield_settings


@pytest.mark.parametrize("at", [0, 1])
def test_pages_say_what_the_classes_say(at: int) -> None:
    path, text = list(shield_settings.written())[at]
    assert path.read_text(encoding="utf-8") == text, "python -m scripts.shield_settings"


def test_the_schema_has_each_scanner_where_it_belongs() -> None:
    schema: dict[str, Any] = json.loads(shield_settings.SCHEMA.read_text(encoding="utf-8"))
    sides = {side: set(schema["properties"][side.value]["properties"]) for side in Side}
    assert sides[Side.INPUT] | sides[Side.OUTPUT] == set(HOMES)
    assert "Relevance" not in sides[Side.INPUT]
    assert schema["properties"]["preset"]["enum"] == ["permissive", "standard", "strict"]
    assert schema["additionalProperties"] is False
    for definition in schema["$defs"].values():
        assert definition["additionalProperties"] is False
