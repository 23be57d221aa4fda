"""The rules: all of gitleaks' and ours, as their script makes them, each of use."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from llm_shield.patterns.matching import Engine
from llm_shield.patterns.rules import Rule, packaged
from scripts import secret_rules
from tests.llm_shield.secrets.generating import text_of

RULES = packaged()
ENGINE = Engine(RULES.rules)


def test_they_say_where_they_come_from() -> None:
    source = RULES.source
    assert (source.name, source.licence) == ("gitleaks", "MIT")
    assert source.version
    assert "Copyright" in source.notice
    assert {each.origin for each in RULES.rules} == {"gitleaks", "own"}


def test_each_has_its_own_id_and_keywords() -> None:
    ids = [each.id for each in RULES.rules]
    assert len(set(ids)) == len(ids)
    for each in RULES.rules:
        assert each.anchors, each.id
        assert all(anchor == anchor.lower() for anchor in each.anchors), each.id
        assert 0 < each.after <= 16_384, each.id
        assert 0 <= each.before <= 4_096, each.id


def test_ours_are_what_the_toml_says() -> None:
    made = json.loads(secret_rules.TARGET.read_text(encoding="utf-8"))
    assert secret_rules.with_own(made) == made


def test_a_rule_is_converted_with_its_window_and_its_lists(tmp_path: Path) -> None:
    toml = tmp_path / "gitleaks.toml"
    toml.write_text(
        """
        [allowlist]
        paths = ['''go\\.sum''']
        regexes = ['''^true$''']
        stopwords = ["Example"]
        [[rules]]
        id = "made-up"
        description = "Made up."
        regex = '''\\b(mu_[a-z]{10,20})(?:[\\s]|$)'''
        entropy = 2
        keywords = ["MU_"]
        [[rules.allowlists]]
        regexTarget = "line"
        regexes = ['''import''']
        [[rules.allowlists]]
        condition = "AND"
        paths = ['''\\.bb$''']
        regexes = ['''SRC''']
        [[rules]]
        id = "a-path-only"
        description = "No expression."
        path = '''\\.p12$'''
        """
    )
    made = secret_rules.converted(toml, "1.2.3")
    assert made["source"]["version"] == "1.2.3"
    assert made["allowlist"] == {"regexes": ["^true$"], "stopwords": "example"}
    assert made["rules"] == [
        {
            "id": "made-up",
            "origin": "gitleaks",
            "description": "Made up.",
            "regex": "\\b(mu_[a-z]{10,20})(?:[\\s]|$)",
            "anchors": ["mu_"],
            "before": 23,
            "after": 24,
            "entropy": 2,
            "allowlists": [{"regexes": ["import"], "target": "line"}],
        }
    ]


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda each: each.id)
def test_each_rule_finds_what_its_expression_describes(rule: Rule) -> None:
    """Anchors and windows lose nothing that the expression alone would find."""
    at = RULES.rules.index(rule)
    expression = ENGINE.expression(at)
    source = random.Random(rule.id)
    before = "Some text in front of it. " * 40
    tried = 0
    for _ in range(40):
        text = text_of(rule.regex, source)
        if rule.before == rule.after == secret_rules.BOUND and not any(
            anchor in text.lower() for anchor in rule.anchors
        ):
            text = f"{rule.anchors[0]} {text}"
        data = f"{before}\n{text}\n".encode("latin-1")
        if expression.search(data) is None:
            continue
        tried += 1
        found = [each for each in ENGINE.candidates(data) if each.rule is rule]
        assert found, text
        assert data.index(b"\n") <= found[0].secret_start < found[0].secret_end <= len(data)
    assert tried >= 3
