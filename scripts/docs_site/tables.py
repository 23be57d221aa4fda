"""Fills the tables of the settings reference: ``python -m scripts.docs_site.tables``.

What stands between ``<!-- settings: SECTION -->`` and ``<!-- end -->`` is made from the
model, and ``<!-- settings: of each provider -->`` is one section for each provider that is
installed; the rest of the page is written by hand.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from scripts.docs_site.inventory import Setting, settings, targets_of
from skykeep import registry

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"

_PLACE = re.compile(
    r"(?P<start><!-- settings: (?P<section>[^>]+?) -->\n)(?:.*?)(?P<end><!-- end -->\n)",
    re.DOTALL,
)


def table(section: str) -> str:
    """The keys of one section. Raises ``KeyError`` if there is none of that name."""
    found = [setting for setting in settings() if setting.section == section]
    if not found:
        raise KeyError(section)
    rows = [
        "| key | takes | default | |",
        "| --- | --- | --- | --- |",
        *(_row(setting) for setting in found),
    ]
    return "\n".join(rows) + "\n"


def of_each_provider() -> str:
    """A section for each provider: what its settings' docstring says first, and its keys."""
    return "".join(
        f"\n## {targets_of(name)}\n\n{_first_sentence(name)}\n\n{table(targets_of(name))}"
        for name in sorted(registry.names())
    )


def _first_sentence(name: str) -> str:
    text = inspect.getdoc(registry.settings_type(name)) or ""
    return " ".join(text.partition("\n\n")[0].replace("``", "`").split())


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    cells = (f"`{setting.key}`", setting.kind, default, setting.meaning.replace("|", "\\|"))
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def filled(text: str) -> str:
    """The page with its tables made anew."""

    def content(place: re.Match[str]) -> str:
        whole = place["section"] == "of each provider"
        made = f"{of_each_provider()}\n" if whole else table(place["section"])
        return place["start"] + made + place["end"]

    return _PLACE.sub(content, text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
