"""The site is built whole, and each kind of omission ends the build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.docs_site.links import broken
from tests.repo.tree import ROOT, tracked, unmeasured

pytestmark = pytest.mark.slow


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As ``make docs`` does it."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--nitpicky"),
            *("-c", str(source / "docs"), "-d", str(site.parent / "doctrees")),
            *(str(source), str(site)),
        ],
        cwd=ROOT,
        env=unmeasured(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What the site is made from, in a folder of its own; the code stays where it is."""
    for file in tracked():
        name = file.relative_to(ROOT)
        wanted = name.parts[0] in {"docs", "examples"} or len(name.parts) == 1
        linked = name.parts[0] == "src" and name.name == "errors.py"
        if wanted or linked:
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, tmp_path / "source" / name)
    return tmp_path / "source"


def edit(page: Path, change: Callable[[str], str]) -> None:
    before = page.read_text(encoding="utf-8")
    after = change(before)
    assert after != before, page
    page.write_text(after, encoding="utf-8")


def without(pattern: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, "", text, count=1, flags=re.MULTILINE | re.DOTALL)


def test_the_site_is_built_without_a_warning(source: Path, tmp_path: Path) -> None:
    done = build(source, tmp_path / "site")
    assert (done.stderr, done.returncode) == ("", 0)
    front = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="docs/index.html"' in front
    index = (tmp_path / "site" / "searchindex.js").read_text(encoding="utf-8")
    assert "docs/tutorial" in index  # the search needs no server
    assert list(broken((tmp_path / "site").resolve())) == []


def test_each_omission_is_named_and_ends_the_build(source: Path, tmp_path: Path) -> None:
    docs = source / "docs"
    edit(docs / "cli.md", without(r"^## rollback\n.*?(?=^## )"))
    edit(docs / "cli.md", without(r"^  --create  [^\n]*\n"))
    edit(docs / "cli.md", without(r"^\| 21 \|[^\n]*\n"))
    edit(docs / "reference" / "settings.md", without(r"^\| `retry.attempts`[^\n]*\n"))
    edit(docs / "reference" / "settings.md", without(r"^\| `keep_versions`[^\n]*\n"))
    edit(docs / "reference" / "environment.md", without(r"^\| `SKYKEEP_LOG`[^\n]*\n"))
    edit(
        docs / "reference" / "environment.md",
        lambda text: text.replace("`SKYKEEP_HOME`", "`SKYKEEP_HOME`, `SKYKEEP_HOUSE`"),
    )
    edit(docs / "guides" / "troubleshooting.md", without(r"^## Quota\n.*?(?=^## )"))
    edit(docs / "reference" / "api" / "secrets.md", without(r"^\.\. autoclass:: \S+Written\n"))
    edit(docs / "tutorial.md", lambda text: f"{text}\n[gone](gone.md) [no](#no-such-place)\n")
    (docs / "lonely.md").write_text("# Nothing leads here\n")
    done = build(source, tmp_path / "site")
    assert done.returncode == 1
    for wrong in (
        "the command 'rollback' has no entry",
        "the option 'rollback --output' has no entry",
        "the option 'set --create' has no entry",
        "the exit code '21' has no entry",
        "the setting 'Environments: retry.attempts' has no entry",
        "the setting 'Targets of local: keep_versions' has no entry",
        "the environment variable 'SKYKEEP_LOG' has no entry",
        "there is no environment variable 'SKYKEEP_HOUSE', and there is an entry of it",
        "the error class 'Quota' has no entry",
        "the public name 'skykeep.Written' has no entry",
        "py:class reference target not found: skykeep.interfaces.secret_data.Written",
        "cross-reference target not found: 'gone.md'",
        "target not found: 'no-such-place'",
        "lonely.md: WARNING: document isn't included in any toctree",
    ):
        assert wrong in done.stderr, wrong


def test_what_leads_nowhere_in_the_built_site_is_found(tmp_path: Path) -> None:
    site = tmp_path.resolve()
    (site / "a.html").write_text('<a href="b.html#there">b</a><a href="https://other/">o</a>')
    (site / "b.html").write_text('<p id="there"><a href="#there">up</a></p>')
    assert list(broken(site)) == []
    (site / "a.html").write_text(
        '<a href="b.html#gone">b</a><a href="c.html">c</a>'
        '<a href="https://HOST[:PORT]">d</a>'
        '<script src="https://cdn.example/x.js"></script><link href="none.css">'
    )
    assert list(broken(site)) == [
        ("a.html", "there is no such place on the page: b.html#gone"),
        ("a.html", "the link leads nowhere: c.html"),
        ("a.html", "the link is no address: https://HOST[:PORT]"),
        ("a.html", "loads what is not in the site: https://cdn.example/x.js"),
        ("a.html", "the link leads nowhere: none.css"),
    ]
