"""The examples of the shield's pages are run as they are written."""

from __future__ import annotations

import re
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llm_shield import Shield, Side
from llm_shield.settings import chosen, settings_of
from tests.repo.tree import ROOT

SHIELD = ROOT / "docs" / "shield"


def blocks(name: str, kind: str) -> list[str]:
    text = (SHIELD / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


async def run(code: str, **names: Any) -> dict[str, Any]:
    source = f"async def example():\n{textwrap.indent(code, '    ')}\n    return locals()"
    exec(source, names)  # noqa: S102  (it is on our own page)
    found: dict[str, Any] = await names["example"]()
    return found


async def chunks() -> AsyncIterator[str]:
    for _ in range(50):
        yield "An honest sentence. "


@pytest.mark.asyncio
async def test_the_first_example() -> None:
    async def model(prompt: str) -> str:
        return "Paris."

    (code,) = blocks("index.md", "python")
    found = await run(code, model=model)
    assert not found["result"].valid
    assert found["checked"].sanitized == "Paris."


@pytest.mark.asyncio
async def test_streaming(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = blocks("streaming.md", "python")
    async with Shield.of("permissive") as shield:
        await run(first, shield=shield, chunks=chunks(), prompt="What is honest?")
        assert capsys.readouterr().out == "An honest sentence. " * 50
        found = await run(second, shield=shield, prompt="What is honest?")
    assert found["released"].text + found["result"].rest == "some text "


def write_settings() -> None:
    (file,) = blocks("settings.md", "yaml")
    Path("shield.yaml").write_text(file)


@pytest.mark.asyncio
async def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_settings()
    (code,) = blocks("settings.md", "python")
    await run(code, Shield=Shield)
    settings = settings_of("shield.yaml")
    names = [one.kind.name for one in chosen(settings, Side.INPUT)]
    assert names[:2] == ["InvisibleText", "Secrets"]
    assert "Language" not in names
    assert {"Gibberish", "BanSubstrings"} <= set(names)
