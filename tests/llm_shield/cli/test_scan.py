from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_shield.cli import endings
from llm_shield.cli.scanning import place
from skykeep.apps.cli import exit_codes
from tests.llm_shield.cli.running import KEY, shield

ONLY = ("--scanner", "Secrets", "--scanner", "InvisibleText")


@pytest.fixture
def leak(tmp_path: Path) -> str:
    path = tmp_path / "leak.txt"
    path.write_text(f"A line.\nA token: {KEY} here.\n")
    return str(path)


def test_a_finding_has_its_line_and_column_and_the_exit_code_is_1(leak: str) -> None:
    result = shield("scan", leak, *ONLY)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{leak}:2:10: Secrets: ")
    assert "secret.github-pat" in result.stdout
    assert KEY not in result.stdout + result.stderr
    assert result.stderr.startswith("not valid: risk 0.9")
    assert "\x1b" not in result.output


def test_a_valid_text_is_exit_code_0() -> None:
    result = shield("scan", "-", *ONLY, given=b"An honest question.")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.startswith("valid: risk 0.00, no findings".replace("no", "0"))


def test_json(leak: str) -> None:
    result = shield("scan", leak, *ONLY, "--output", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not document["isValid"]
    finding = document["findings"][0]
    assert (finding["line"], finding["column"]) == (2, 10)
    assert {one["name"] for one in document["scannerResults"]} == {"Secrets", "InvisibleText"}
    assert KEY not in result.stdout


def test_the_sanitised_text_keeps_every_other_byte(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\x00 caf\xc3\xa9\r\n" + KEY.encode() + b"\r\n\xfe")
    result = shield("scan", str(path), "--scanner", "Secrets", "--sanitized")
    assert result.exit_code == 1
    before, after = result.stdout_bytes[:10], result.stdout_bytes[-3:]
    assert before == b"\xff\x00 caf\xc3\xa9\r\n"
    assert after == b"\r\n\xfe"
    assert KEY.encode() not in result.stdout_bytes
    assert "Secrets: " in result.stderr


def test_an_answer_with_its_prompt(tmp_path: Path, leak: str) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("What time is it?")
    arguments = ("--side", "output", "--prompt", str(prompt), "--scanner", "ReadingTime")
    assert shield("scan", leak, *arguments).exit_code == 0
    result = shield("scan", leak, "--prompt", str(prompt))
    assert result.exit_code == 2
    assert "--side output" in result.stderr


def test_settings_from_a_file(tmp_path: Path, leak: str) -> None:
    config = tmp_path / "shield.yaml"
    config.write_text("max_characters: 20\n")
    result = shield("scan", leak, "--config", str(config), *ONLY)
    assert result.exit_code == 13
    assert "more than 20 characters" in result.stderr
    assert "  scan it in parts" in result.stderr
    config.write_text("input: {Secrets: {threshold: 1.0}}\n")
    arguments = ("--config", str(config), "--preset", "permissive", *ONLY)
    assert shield("scan", leak, *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("scan",), 2, "usage: Missing argument"),
        (("scn",), 2, "there is no command 'scn'; did you mean 'scan'?"),
        (("scan", "-", "--side", "both"), 2, "usage: Invalid value for '--side'"),
        (("scan", "no-such-file", *ONLY), 10, "not found: there is no file no-such-file"),
        (("scan", ".", *ONLY), 11, "denied: . cannot be read: Is a directory"),
        (("scan", "-", "--scanner", "Secret"), 24, "did you mean Secrets?"),
        (("scan", "-", "--preset", "lax"), 24, "there is no preset 'lax'"),
        (("scan", "-", "--config", "no.yaml"), 24, "no.yaml: it cannot be read"),
        (("eval", "no-such-corpus"), 10, "there is no corpus"),
        (("eval", "no.jsonl"), 10, "there is no file"),
    ],
)
def test_errors_are_a_message_and_a_code(
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = shield(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output
    as_json = shield(*arguments, "--output", "json")
    if code != 2:
        document = json.loads(as_json.stderr.splitlines()[-1])
        assert document["error"]["exit_code"] == code


def test_a_bug_is_shown_without_its_text(monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    def broken(*_: object) -> None:
        raise KeyError(KEY)

    monkeypatch.setattr("llm_shield.cli.scanning.settings_from", broken)
    result = shield("scan", leak)
    assert result.exit_code == 70
    assert "a bug in shield: KeyError at test_scan.py:" in result.stderr
    assert KEY not in result.output


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("llm_shield.cli.scanning.settings_from", interrupted)
    result = shield("scan", leak)
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_exit_codes_are_those_of_skykeep() -> None:
    theirs = {name: (one.code, one.words) for name, one in exit_codes.ERRORS.items()}
    assert {name: (code, words) for name, (code, words, _) in endings.CODES.items()} == theirs
    assert endings.NOT_VALID == exit_codes.DIFFERS
    for name in ("USAGE", "BUG", "OUTPUT", "INTERRUPTED", "BROKEN_PIPE"):
        assert getattr(endings, name) == getattr(exit_codes, name)


def test_places_count_code_points_from_one() -> None:
    text = "ab\n\nä€c"
    assert [place(text, at) for at in (0, 1, 2, 3, 4, 6)] == [
        *((1, 1), (1, 2), (1, 3)),
        *((2, 1), (3, 1), (3, 3)),
    ]
