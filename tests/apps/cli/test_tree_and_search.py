"""tree and search."""

from __future__ import annotations

import io
import sys

import pytest

from tests.apps.cli.harness import Cli


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/main/password", "canary-value", "--tag", "team=Web")
    cli("set", "db/main", "v", "--metadata", "note=first\nsecond")
    cli("set", "db/user", "v")
    cli("set", "api", "v")
    return cli


def test_tree(filled: Cli) -> None:
    assert filled("tree").text == (
        "├── api\n└── db/\n    ├── main\n    │   └── password\n    └── user\n"
    )
    assert filled("tree", "db/").text == "db/\n├── main\n│   └── password\n└── user\n"
    assert filled("tree", "none").err == "nothing found\n"
    assert filled("tree", "db/main", "--output", "json").json == [
        {"part": "password", "secret": "db/main/password", "below": []}
    ]


def test_a_tree_where_lines_cannot_be_drawn(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.apps.cli.commands.tree import _strokes

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        assert _strokes()[0] == "|-- "


def test_search(filled: Cli) -> None:
    assert filled("search", "USER").text == "db/user\n"
    assert filled("search", "db/*").text == "db/main\ndb/main/password\ndb/user\n"
    assert filled("search", "team=web").text == "db/main/password  (tag team=Web)\n"
    assert filled("search", "Second").text == ("db/main  (metadata note=first\\nsecond)\n")
    assert filled("search", "p[a-i]ss*", code=1).out == b""
    ended = filled("search", "we", "--output", "json")
    assert ended.json == [
        {"name": "db/main/password", "matches": [{"where": "tag", "text": "team=Web"}]}
    ]


def test_search_never_looks_at_values(filled: Cli) -> None:
    ended = filled("search", "canary", code=1)
    assert ended.out == b""
    assert ended.err == "nothing found\n"
    assert filled("search", "canary", "--output", "json", code=1).json == []


def test_search_among_the_deleted(filled: Cli) -> None:
    filled("rm", "api")
    filled("search", "api", code=1)
    assert filled("search", "api", "--deleted").text == "api\n"
