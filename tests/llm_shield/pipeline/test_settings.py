from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from llm_shield import settings as module
from llm_shield.finding import Verdict
from llm_shield.presets import BOUNDS, OPTIONAL, SCANNERS
from llm_shield.scanner import Cost, Request, Scanner, ScannerSettings, Share, Side
from llm_shield.scanners import HOMES
from llm_shield.settings import PRESETS, ShieldSettings, chosen, only, settings_of
from llm_shield.text import Text
from skykeep.errors import ConfigError


class FakeSettings(ScannerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings.

    Attributes:
        words: looked for.
        mode: how.
        share: of something.
    """

    words: tuple[str, ...] = ()
    mode: Literal["word", "part"] = "word"
    share: Share = 0.5


OUTPUT_ONLY = {"NoRefusal", "Relevance", "BanTopics", "Bias", "MaliciousURLs"} | {
    "ReadingTime",
    "Factuality",
    "URLReachability",
    "RegexOutput",
}
BOTH = {"InvisibleText", "Secrets", "Sensitive", "Toxicity"}
MODELS = {"PromptInjection", "Toxicity", "BanCode", "NoRefusal", "Relevance", "Bias"}


def fake_class(name: str) -> type[Scanner[Any]]:
    class Fake(Scanner[FakeSettings]):
        async def scan(self, text: Text, request: Request) -> Verdict:
            return Verdict()

    Fake.name = name
    Fake.summary = "a fake"
    Fake.Settings = FakeSettings
    Fake.cost = Cost.MODEL if name in MODELS else Cost.PATTERN
    Fake.sides = frozenset({Side.OUTPUT if name in OUTPUT_ONLY else Side.INPUT})
    if name in BOTH:
        Fake.sides = frozenset(Side)
    return Fake


@pytest.fixture(autouse=True)
def fake_scanners(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: fake_class(name) for name in HOMES}
    monkeypatch.setattr(module, "scanner_class", made.__getitem__)


def names(settings: ShieldSettings, side: Side) -> list[str]:
    return [one.kind.name for one in chosen(settings, side)]


def refused(source: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        settings_of(source)
    return str(caught.value)


# -- presets


def test_the_presets_are_those_of_the_bounds() -> None:
    assert set(PRESETS) == set(BOUNDS) == set(SCANNERS)
    assert BOUNDS == {"strict": 0.7, "standard": 0.9, "permissive": None}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_scanners_that_there_are(preset: str) -> None:
    for side in Side:
        assert set(SCANNERS[preset][side]) <= set(HOMES)
    assert set(HOMES) >= OPTIONAL
    off = {"BanSubstrings", "BanCompetitors", "Regex", "BanTopics", "RegexOutput"}
    off.add("URLReachability")
    on = {one for side in Side for one in SCANNERS[preset][side]}
    assert not off & on
    assert preset != "strict" or on | off == set(HOMES)


def test_a_preset_is_what_it_is_called() -> None:
    settings = settings_of("permissive")
    assert settings.preset == "permissive"
    assert all(one.settings.on_failure == "open" for one in chosen(settings, Side.INPUT))
    assert all(
        one.settings.on_failure == "closed" for one in chosen(settings_of("strict"), Side.INPUT)
    )


# -- what is on, and how


def test_true_false_and_a_mapping() -> None:
    settings = settings_of(
        {
            "input": {"Gibberish": True, "Language": False, "Secrets": {"threshold": 0.8}},
            "output": {"Bias": {"share": 0.25, "words": ["a", "b"]}},
        }
    )
    on = {one.kind.name: one for one in chosen(settings, Side.INPUT)}
    assert "Gibberish" in on
    assert "Language" not in on
    assert on["Secrets"].settings.threshold == 0.8
    assert on["Secrets"].named
    assert not on["TokenLimit"].named
    bias = next(one for one in chosen(settings, Side.OUTPUT) if one.kind.name == "Bias")
    assert bias.settings == FakeSettings(share=0.25, words=("a", "b"))


def test_a_mapping_is_put_over_what_the_preset_says() -> None:
    settings = settings_of(
        {
            "preset": "permissive",
            "input": {"Secrets": {"threshold": 0.1}, "Regex": {"on_failure": "closed"}},
        }
    )
    on = {one.kind.name: one.settings for one in chosen(settings, Side.INPUT)}
    assert (on["Secrets"].threshold, on["Secrets"].on_failure) == (0.1, "open")
    assert on["Regex"].on_failure == "closed"


def test_cheap_ones_go_first_then_the_order_counts() -> None:
    settings = settings_of({"order": ["Toxicity", "Secrets"]})
    found = names(settings, Side.INPUT)
    assert found[0] == "Secrets"
    assert found[-2:] == ["Toxicity", "PromptInjection"]


def test_only_some() -> None:
    settings = only(
        settings_of({"input": {"Secrets": {"threshold": 0.8}}}), ["Secrets", "Regex"]
    )
    assert names(settings, Side.INPUT) == ["Secrets", "Regex"]
    assert names(settings, Side.OUTPUT) == ["Secrets"]
    assert chosen(settings, Side.INPUT)[0].settings.threshold == 0.8
    # One that is configured for answers is not switched on, without settings, for prompts.
    both = only(settings_of({"output": {"Toxicity": {"share": 0.25}}}), ["Toxicity"])
    assert names(both, Side.INPUT) == ["Toxicity"]
    narrow = only(
        settings_of({"preset": "permissive", "output": {"Toxicity": {"share": 0.25}}}),
        ["Toxicity"],
    )
    assert names(narrow, Side.INPUT) == []
    assert chosen(narrow, Side.OUTPUT)[0].settings == FakeSettings(
        share=0.25, on_failure="open"
    )
    with pytest.raises(ConfigError, match="did you mean Secrets"):
        only(settings, ["secret"])


# -- files


SOURCE = {"preset": "strict", "max_characters": 10, "input": {"Secrets": {"threshold": 0.25}}}


@pytest.mark.parametrize("name", ["shield.yaml", "shield.yml", "shield.json"])
def test_a_file_says_what_a_mapping_says(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("json"):
        path.write_text(json.dumps(SOURCE))
    else:
        path.write_text(
            "preset: strict\nmax_characters: 10\ninput:\n  Secrets: {threshold: 0.25}\n"
        )
    assert settings_of(path) == settings_of(str(path)) == settings_of(SOURCE)


def test_an_empty_file_is_the_standard(tmp_path: Path) -> None:
    path = tmp_path / "shield.yaml"
    path.write_text("# nothing\n")
    assert settings_of(path) == ShieldSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset: [", "shield.yaml:1: this is not YAML"),
        ("- preset", "expected a mapping of settings"),
        ("preset: strict\npreset: strict\n", "shield.yaml:2: preset: it stands there twice"),
        ("input: {Secrets: true, Secrets: false}", "Secrets: it stands there twice"),
        ("a: !!python/object/apply:os.system [ls]", "this is not YAML"),
        ("[" * 5000, "neither YAML nor JSON"),
        ("preset: strikt", "shield.yaml: preset: "),
        ("input: {Secrets: {threshold: 2}}", "shield.yaml: input.Secrets.threshold: "),
        ("\x00", "neither YAML nor JSON"),
        ("? {a: b}\n: c\n", "this is not YAML"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "shield.yaml"
    path.write_text(text)
    assert said in refused(path)


def test_a_file_that_is_too_large_or_missing_or_no_text(tmp_path: Path) -> None:
    path = tmp_path / "shield.yaml"
    assert "it cannot be read: No such file" in refused(path)
    path.write_text("#" * (module.MAX_FILE + 1))
    assert "more than 1,048,576 bytes" in refused(path)
    path.write_bytes(b"preset: \xff")
    assert "neither YAML nor JSON in UTF-8" in refused(path)
    (tmp_path / "shield.json").write_text('{"preset": }')
    assert "shield.json:1: this is not JSON" in refused(tmp_path / "shield.json")


# -- what is refused, and the mend


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "strickt",
            (
                "there is no preset 'strickt': strict | standard | permissive; did you mean "
                "strict?"
            ),
        ),
        ({"presett": "strict"}, "presett: there is no option 'presett'; did you mean preset?"),
        (
            {"preset": "strickt"},
            (
                "preset: Invalid enum value 'strickt'; did you mean strict? "
                "(strict | standard | permissive)"
            ),
        ),
        (
            {"max_characters": 0},
            "max_characters: Expected 'int' >= 1, got 0; the default is 100000",
        ),
        (
            {"max_characters": "many"},
            "max_characters: Expected 'int', got 'str'; the default is 100000",
        ),
        ({"concurrency": 1.5}, "concurrency: Expected 'int', got 'float'; the default is 8"),
        (
            {"input": {"Secret": True}},
            "input.Secret: there is no scanner 'Secret'; did you mean Secrets?",
        ),
        (
            {"input": {"Nothing": True}},
            "input.Nothing: there is no scanner 'Nothing'; `shield scanners`",
        ),
        (
            {"input": {"Relevance": True}},
            "input.Relevance: Relevance is no scanner of prompts; it belongs below 'output:'",
        ),
        (
            {"output": {"Language": {}}},
            "output.Language: Language is no scanner of answers; it belongs below 'input:'",
        ),
        (
            {"input": {"Secrets": {"treshold": 0.5}}},
            "input.Secrets.treshold: there is no option 'treshold'; did you mean threshold?",
        ),
        (
            {"input": {"Secrets": {"threshold": 1.5}}},
            "input.Secrets.threshold: Expected 'float' <= 1.0, got 1.5; the default is 0.5",
        ),
        (
            {"input": {"Secrets": {"mode": "words"}}},
            "input.Secrets.mode: Invalid enum value 'words'; did you mean word? (word | part)",
        ),
        ({"input": {"Secrets": {"mode": "zzz"}}}, "one of: word | part"),
        (
            {"input": {"Secrets": {"words": ["a", 1]}}},
            "input.Secrets.words[1]: Expected 'str', got 'int'",
        ),
        ({"input": {"Secrets": 3}}, "input"),
        ({"order": ["Secrets", "Tox"]}, "order[1]: there is no scanner 'Tox'"),
        ({"models": {"stor": True}}, "models"),
        ({"input": {"Secrets": {"timeout_seconds": 0}}}, "Expected 'float' > 0.0, got 0"),
    ],
)
def test_what_is_refused_has_its_place_its_value_and_the_mend(source: Any, said: str) -> None:
    assert said in refused(source)


def test_settings_themselves_are_checked_too() -> None:
    settings = msgspec.structs.replace(ShieldSettings(), input={"Nothing": True})
    assert "there is no scanner 'Nothing'" in refused(settings)
