"""The shield beside llm-guard: how the two are asked, without llm-guard's environment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bench import shield_beside, shield_rival
from bench.shield_beside import loaded, ours, samples
from bench.shield_fresh import FIVE
from bench.shield_rival import SCANNERS, SECRETS_BAR, Answer, Sample, compared, rival
from llm_shield.shield import Shield
from scripts import setup_venv

STAND_IN = {
    "__init__.py": "",
    "util.py": "def configure_logger(level):\n    print('logs at', level)\n",
    "input_scanners.py": """
class Word:
    def __init__(self, words=('secret',), **options):
        self.words = words
    def scan(self, text):
        print('a warning', text)
        return text, not any(word in text for word in self.words), 0.0
BanSubstrings = InvisibleText = Regex = Secrets = Word
""",
    "output_scanners.py": """
class Long:
    def __init__(self, max_time=1):
        pass
    def scan(self, prompt, output):
        return output, len(output) < 100, 0.0
ReadingTime = JSON = Long
""",
}


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of llm-guard's shape, which prints, as that does."""
    package = tmp_path / "llm_guard"
    package.mkdir()
    for name, source in STAND_IN.items():
        (package / name).write_text(source)
    metadata = tmp_path / "llm_guard-9.8.7.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: llm-guard\nVersion: 9.8.7\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("guard")
def test_the_other_process_answers_each_line() -> None:
    with rival(["alder"], ["x+"], Path(sys.executable)) as other:
        assert other.hello.version == "9.8.7"
        assert set(SCANNERS) < set(other.hello.scanners)
        assert other.hello.imported > 0
        assert other.hello.resident > 1
        assert other.scan("BanSubstrings", "an alder", 3).flagged
        assert not other.scan("BanSubstrings", "an elm", 3).flagged
        assert other.scan("ReadingTime", "x" * 200, 1).flagged
        assert other.scan("Secrets", "no", 1000).milliseconds > 0


@pytest.mark.usefixtures("guard")
def test_what_a_new_process_pays_is_a_median() -> None:
    hello = shield_rival.starts(["alder"], ["x+"], Path(sys.executable))
    assert hello.version == "9.8.7"
    assert 0 < hello.imported < 60


def test_a_row_has_the_ratio_of_both_and_the_bar_of_secrets() -> None:
    given = [Sample("Secrets, 1 KB", "text", False), Sample("Regex, 1 KB", "x", True)]

    def mine(name: str, text: str, times: int) -> tuple[float, bool]:
        return (0.01, text == "x")

    def theirs(name: str, text: str, times: int) -> Answer:
        return Answer(1.99, text == "x")

    first, second = compared(mine, theirs, given, "other 1")
    assert (first.what, first.rival, first.ours, first.theirs) == (
        "Secrets, 1 KB",
        "other 1",
        0.01,
        1.99,
    )
    assert first.held == pytest.approx(199)
    assert (first.bar, first.least, first.met) == (SECRETS_BAR, True, False)
    assert (second.bar, second.met) == (None, True)


@pytest.mark.parametrize(("mine", "theirs"), [(True, False), (False, True), (False, False)])
def test_a_text_that_one_side_sees_nothing_in_compares_nothing(
    mine: bool, theirs: bool
) -> None:
    with pytest.raises(RuntimeError, match="Regex, 1 KB"):
        list(
            compared(
                lambda *_: (1.0, mine),
                lambda *_: Answer(1.0, theirs),
                [Sample("Regex, 1 KB", "x", True)],
                "other",
            )
        )


def test_our_scanners_find_what_a_text_is_said_to_have() -> None:
    with asyncio.Runner() as runner:
        shield = Shield.of(FIVE, only=list(SCANNERS))
        runner.run(shield.__aenter__())
        try:
            scan = ours(runner, shield, runner.run(loaded(shield)))
            for sample in samples():
                assert len(sample.text) in {1_000, 10_000}
                milliseconds, flagged = scan(sample.what.partition(",")[0], sample.text, 2)
                assert flagged == sample.found, sample.what
                assert milliseconds > 0
        finally:
            runner.run(shield.__aexit__(None, None, None))


def test_without_its_environment_llm_guard_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(venv: Path, stage: str) -> None:
        assert (venv, stage) == (tmp_path, "llm-guard")
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setenv("SKYKEEP_LLM_GUARD", str(tmp_path))
    monkeypatch.setattr(setup_venv, "set_up", refused)
    assert shield_beside.beside() == (None, [])
    assert "llm-guard is not measured" in capsys.readouterr().out
