"""The pictures of the documentation are what the simulator draws now."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.simulation.scripted import DIRECTORY, PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_up_to_date(name: str) -> None:
    kept = (DIRECTORY / f"{name}.svg").read_text(encoding="utf-8")
    assert kept == PICTURES[name].drawn(), "python -m tests.simulation --pictures docs/plots"


@pytest.mark.parametrize("name", PICTURES)
def test_it_can_be_read(name: str) -> None:
    text = PICTURES[name].drawn()
    root = ET.fromstring(text)  # noqa: S314  (we drew it)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for words in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(words.attrib["x"]) <= width
        assert 0 <= float(words.attrib["y"]) <= height
    assert min(int(size) for size in re.findall(r"(\d+)px", text)) >= 11
    assert "prefers-color-scheme: dark" in text
    described = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "application to skykeep" in described
    assert "degraded" in described
