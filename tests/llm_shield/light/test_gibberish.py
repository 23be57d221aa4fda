"""Gibberish: letters that are no words, and what is not taken for them."""

from __future__ import annotations

import pytest

from tests.llm_shield.light.scanning import found, scanned


@pytest.mark.parametrize(
    "text",
    [
        "asdkjhaskd jhaskjdh qwlekjqwe",
        "xvbnmlkjhgf",
        "ghjgfjhgf hgfd jhgfd nbvcnb",
        "ASDKJHASKD JHASKJDH QWLEKJQWE",
    ],
)
def test_mashing_is_found(text: str) -> None:
    verdict = scanned("Gibberish", text)
    assert [each.kind for each in verdict.findings] == ["gibberish"]
    assert verdict.risk >= 0.5


def test_a_part_of_a_long_text_is_found_where_it_stands() -> None:
    prose = "I wrote a letter to my landlord about the heating, and my cat helped me. "
    text = prose * 50 + "asdkjhaskd jhaskjdh qwlekjqwe " + prose * 50
    verdict = scanned("Gibberish", text)
    assert found(verdict, text) == ["asdkjhaskd jhaskjdh qwlekjqwe"]


def test_two_parts_are_two_findings() -> None:
    prose = "and this is what I wanted to say to all of you about it today "
    text = f"asdkjhaskd jhaskjdh qwlekjqwe {prose * 3}xvbnmlkjhgf qwrtpsdfg."
    assert found(scanned("Gibberish", text), text) == [
        "asdkjhaskd jhaskjdh qwlekjqwe",
        "xvbnmlkjhgf qwrtpsdfg",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "My colleagues are Krzysztof Wojciechowski and Nguyễn Thị Minh Khai.",
        "kubectl get pods -n kube-system -o wide && grep nginx",
        "SELECT usr_id, cnt FROM tbl_lgn WHERE ts > NOW();",
        "The token is dGhpcyBpcyBhIHRlc3Qgb2YgYmFzZTY0IGRhdGE= in base64.",
        "See https://example.com/qwxzkj/zzxqkjhg?hjk=wrtpsdfg",
        "Run `xvbnmlkjhgf qwrtpsdfg` in a shell.",
        "Proszę napisać krótki list z podziękowaniem dla nauczycielki.",
        "Как правильно хранить свежие овощи?",
        "没有老师我怎样才能在家里学会弹吉他",
        "hmmmmm okaaaay soooo WTF BBQ ROFL",
        "pls rply asap, cant w8 4 ur msg",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert not scanned("Gibberish", text).findings


def test_one_letter_many_times_is_found() -> None:
    text = f"so{'o' * 60} good"
    verdict = scanned("Gibberish", text)
    assert [(each.kind, each.start, each.end) for each in verdict.findings] == [
        ("gibberish.run", 1, 62)
    ]
    assert not scanned("Gibberish", text, longest_run=61).findings


def test_settings_say_how_much_is_needed() -> None:
    text = "asdkjhaskd jhaskjdh qwlekjqwe"
    assert not scanned("Gibberish", text, evidence=100).findings
    assert not scanned("Gibberish", text, unlikely=4).findings
    assert scanned("Gibberish", "qwz xkc", evidence=2).findings
    assert scanned("Gibberish", text).risk > scanned("Gibberish", text, evidence=12).risk
