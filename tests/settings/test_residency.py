"""``residency:`` and ``cloud.data_residency``: what a file says of regions."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.settings.guarding import ResidencyClass, ResidencySettings
from tests.settings.conftest import Load, Mistakes
from tests.settings.test_report import checked, notes

EU = ResidencySettings(regions=("eu-west-1",))


class TestResidency:
    def test_it_is_of_the_environment_or_of_the_file(self, loaded: Load) -> None:
        text = (
            "residency: {regions: [eu-west-1], strict: true}\n"
            "a: {primary: {backend: local}, residency: {strict: false}}\n"
            "b: {primary: {backend: local}, residency: {regions: [us-*]}}\n"
        )
        assert loaded(text, env="a").residency == EU
        assert loaded(text, env="b").residency == ResidencySettings(
            regions=("us-*",), strict=True
        )

    def test_classes(self, loaded: Load) -> None:
        text = (
            "a:\n  primary: {backend: local}\n  residency:\n    classes:\n"
            "    - {prefix: patients/, regions: [West Europe]}\n"
            "    - {prefix: 'native:', regions: ['*']}\n"
        )
        assert loaded(text).residency == ResidencySettings(
            classes=(
                ResidencyClass(prefix="patients/", regions=("West Europe",)),
                ResidencyClass(prefix="native:", regions=("*",)),
            )
        )

    @pytest.mark.parametrize(
        "region", ["'eu*west'", "'*-1'", "'**'", "'eu-west-1,us-east-1'", "' '"]
    )
    def test_what_is_no_region(self, mistakes: Mistakes, region: str) -> None:
        for text in (
            f"residency: {{regions: [{region}]}}\na: {{primary: {{backend: local}}}}",
            f"a: {{primary: {{backend: local}}, residency: {{regions: [{region}]}}}}",
            f"residency: {{classes: [{{prefix: a, regions: [{region}]}}]}}",
        ):
            (problem,) = mistakes(text)
            assert "regions are names" in problem

    @pytest.mark.parametrize("prefix", ["/a", "a//b", "'a/*'", "'*'", "..", "a/./b", "/"])
    def test_a_prefix_that_would_fit_nothing(self, mistakes: Mistakes, prefix: str) -> None:
        (problem,) = mistakes(f"residency: {{classes: [{{prefix: {prefix}, regions: [eu]}}]}}")
        assert problem.startswith(
            ":1: residency.classes[0].prefix: prefix is of whole segments"
        )

    def test_a_prefix_twice(self, mistakes: Mistakes) -> None:
        (problem,) = mistakes(
            "residency:\n  classes:\n  - {prefix: a, regions: [eu]}\n"
            "  - {prefix: a/, regions: [us]}\n"
        )
        assert "classes have each their own prefix" in problem


class TestTheTree:
    @pytest.mark.parametrize("provider", ["aws", "none"])
    def test_it_is_enforced_for_the_tree(self, loaded: Load, provider: str) -> None:
        text = (
            f"cloud:\n  provider: {provider}\n"
            "  data_residency: {enabled: true, regions: [eu-west-1]}\n"
        )
        assert loaded(text).residency == EU

    def test_where_it_is_off(self, loaded: Load) -> None:
        text = "cloud: {provider: none, data_residency: {regions: [eu-west-1]}}"
        assert loaded(text).residency == ResidencySettings()

    def test_a_switch_from_a_variable(self, loaded: Load) -> None:
        text = (
            "cloud:\n  provider: none\n  data_residency:\n"
            "    enabled: ${ON}\n    regions: [eu-west-1]\n"
        )
        assert loaded(text, environ={"ON": "true"}).residency == EU
        assert loaded(text, environ={"ON": "false"}).residency == ResidencySettings()

    def test_regions_that_are_missing(self, mistakes: Mistakes) -> None:
        assert mistakes("cloud:\n  provider: none\n  data_residency: {enabled: true}\n") == [
            ":3: cloud: the key 'data_residency.regions' is missing: 'enabled: true' needs it"
        ]

    def test_it_goes_with_the_files_own(self, loaded: Load) -> None:
        tree = (
            "cloud: {provider: none, data_residency: {enabled: true, regions: [eu-west-1]}}\n"
        )
        own = "residency: {regions: [us-*], strict: true}\n"
        strict = ResidencySettings(regions=("eu-west-1",), strict=True)
        assert loaded(tree + own).residency == strict
        assert loaded(own + tree).residency == strict

    def test_without_a_provider_it_is_of_every_environment(self, loaded: Load) -> None:
        tree = "cloud: {data_residency: {enabled: true, regions: [eu-west-1]}}\n"
        named = "a: {primary: {backend: memory}}\n"
        assert loaded(tree).residency == EU
        assert loaded(tree + named).residency == EU
        assert loaded(tree, backend="memory").residency == EU
        own = "residency: {regions: [us-*], strict: true}\n"
        for text in (tree + own + named, own + named + tree):
            assert loaded(text).residency == ResidencySettings(regions=("us-*",), strict=True)


class TestNotes:
    TEXT = """\
residency: {regions: [eu-*], classes: [{prefix: patients, regions: [eu-central-1]}]}
a:
  primary: {backend: memory, region: REGION}
"""

    @pytest.mark.parametrize(
        ("region", "refused"),
        [
            ("eu-central-1", None),
            ("eu-west-1", "'patients'"),
            ("us-east-1", "'patients', all other data"),
        ],
    )
    def test_a_declared_region(self, directory: Path, region: str, refused: str | None) -> None:
        found = notes(checked(directory, self.TEXT.replace("REGION", region)))
        wanted = f":3: a.primary.region: residency refuses {refused} in {region}, unless"
        assert [note[: len(wanted)] for note in found] == ([wanted] if refused else [])

    def test_each_target_of_each_environment(self, directory: Path) -> None:
        text = """\
residency: {regions: [eu-west-1]}
a:
  primary: {backend: memory, region: eu-west-1}
  objects: {backend: memory, region: us-east-1}
b:
  primary: {backend: memory, token: x, region: us-west-2}
  residency: {regions: ['*']}
"""
        found = notes(checked(directory, text, env="a"))
        assert [note.partition(", unless")[0] for note in found if "residency" in note] == [
            ":4: a.objects.region: residency refuses all data in us-east-1"
        ]

    def test_without_residency_there_is_no_note(self, directory: Path) -> None:
        assert notes(checked(directory, "a: {primary: {backend: memory, region: x}}")) == []
