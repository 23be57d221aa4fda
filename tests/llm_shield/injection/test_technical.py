"""Technical prose: whole documents of installed packages, no package on both sides."""

from __future__ import annotations

from importlib.metadata import metadata

import pytest

from skykeep.errors import NotFound
from training import technical
from training.injection_data import cut, held_out
from training.packages import Packages
from training.rows import TRAIN, VALIDATION, Row
from training.technical import DESCRIBED, DOCUMENTED, SENTENCE, VALIDATED, documents, orders

ALL = {name for names in DESCRIBED.values() for name in names}


def test_what_is_named_is_named_once_and_read() -> None:
    assert len(ALL) == sum(map(len, DESCRIBED.values()))
    assert set(DOCUMENTED) <= ALL
    assert VALIDATED < ALL
    assert "skykeep" not in ALL  # its pages are what is tested


@pytest.mark.parametrize("licence", sorted(DESCRIBED))
def test_the_licences_are_what_the_packages_say(licence: str) -> None:
    for name in DESCRIBED[licence]:
        about = metadata(name)
        keys = ("License-Expression", "License", "Classifier")
        said = " ".join(each[:80] for key in keys for each in about.get_all(key) or ())
        assert licence.removesuffix("-2.0") in said, name
        assert not any(other in said for other in ("GPL", "General Public", "MPL")), name


def test_documents_are_whole_paragraphs_of_a_page_s_size() -> None:
    text = "\n\n".join(f"Paragraph {at}. " + "It has words. " * 20 for at in range(200))
    made = documents(text, "x")
    assert made == documents(text, "x")
    assert made != documents(text, "y")
    assert all(1_000 <= len(each) <= 10_000 for each in made)
    assert len({len(each) // 1_000 for each in made}) > 2
    joined = "\n\n".join(made)
    assert all(f"Paragraph {at}. It has words." in joined for at in range(190))


def test_orders_are_sentences_that_read_like_orders() -> None:
    text = "The tide comes in at noon, as it does every day. Do not share the key with anybody."
    assert orders([text]) == ["Do not share the key with anybody."]


def test_a_package_is_on_one_side_and_its_texts_are_not_what_is_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = {"MIT": ("azure-keyvault-secrets", "azure-identity"), "Apache-2.0": ("botocore",)}
    monkeypatch.setattr(technical, "DESCRIBED", some)
    monkeypatch.setattr(technical, "DOCUMENTED", ("azure-keyvault-secrets",))
    monkeypatch.setattr(technical, "SERVICES", ("sts",))
    rows = technical.technical(Packages())
    assert rows == technical.technical(Packages())
    assert {(row.group, row.split) for row in rows} == {
        ("azure-keyvault-secrets", TRAIN),
        ("azure-identity", VALIDATION),
        ("botocore", TRAIN),
    }
    whole = [row for row in rows if row.kind != SENTENCE]
    assert all(1_000 <= len(row.text) <= 10_000 and not row.label for row in whole)
    assert any("| `RoleArn` | " in row.text or "- `RoleArn`: " in row.text for row in whole)
    assert not any("<p>" in row.text or "</" in row.text[:200] for row in whole)
    assert not {row.text for row in rows} & {row.text for row in held_out("documents", 0)}


def test_four_windows_of_a_technical_text_and_three_of_another() -> None:
    text = " ".join(f"Word {at} is here." for at in range(800))
    counts = [len(cut([Row(text, 0, source)])) for source in (technical.SOURCE, "x")]
    assert counts == [4, 3]


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(technical, "DESCRIBED", {"MIT": ("no-such-package",)})
    with pytest.raises(NotFound) as caught:
        technical.technical(Packages())
    assert "no-such-package" in str(caught.value)
