"""The examples of these scanners' pages run, and say what the pages say."""

from __future__ import annotations

import re

import pytest

from tests.repo.tree import ROOT

SAYS = {
    "invisible-text": "False [('invisible.tag', 15, 36)]\n",
    "ban-substrings": "False What is [REDACTED] about?\n",
    "ban-competitors": "False [a competitor] offer is a good one.\n",
}


@pytest.mark.parametrize("page", SAYS)
def test_an_example(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "scanners" / f"{page}.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, page, "exec"), {"__name__": "example"})  # noqa: S102 - our own page
    assert capsys.readouterr().out == SAYS[page]
