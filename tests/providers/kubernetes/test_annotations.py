"""What stands beside a value, where others have written there too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from skykeep.interfaces.secret_driver import Attributes
from skykeep.providers.kubernetes.annotations import Beside, beside, patches
from skykeep.providers.kubernetes.objects import Meta

NOW = datetime(2031, 5, 6, tzinfo=UTC)


def meta(annotations: dict[str, str] | None, labels: dict[str, str] | None = None) -> Meta:
    return Meta("a", "uid", "1", NOW, annotations=annotations, labels=labels)


@pytest.mark.parametrize(
    "annotations",
    [
        None,
        {},
        {"skykeep-tags": "no JSON", "skykeep-metadata": "[1]", "skykeep-expires-at": "soon"},
        {"skykeep-tags": "[" * 100_000, "skykeep-metadata": '"text"'},
        {"skykeep-tags": '{"a": 1}', "skykeep-expires-at": "2031-05-06T07:08:09"},
    ],
)
def test_what_is_not_ours_says_nothing(annotations: dict[str, str] | None) -> None:
    assert beside(meta(annotations)) == Beside()


def test_a_label_goes_before_an_annotation() -> None:
    notes = {"skykeep-tags": '{"team": "old", "note:": "x"}'}
    assert beside(meta(notes, {"team": "new"})).tags == {"team": "new", "note:": "x"}


def test_a_tag_moves_between_label_and_annotation() -> None:
    """As its value fits: nothing of it is left where it was."""
    before = meta({"note": "theirs"}, {"team": "shop", "example.com/x": "theirs"})
    said = beside(before).changed(Attributes(tags={"team": "shop floor"}))
    notes, labels = patches(before, said)
    assert labels == {"team": None}
    assert notes == {"skykeep-tags": '{"team": "shop floor"}'}
    back = meta({"skykeep-tags": '{"team": "shop floor"}'})
    notes, labels = patches(back, beside(back).changed(Attributes(tags={"team": "shop"})))
    assert (notes, labels) == ({"skykeep-tags": None}, {"team": "shop"})
