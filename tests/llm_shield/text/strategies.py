"""Texts that are hard on a normaliser: all planes, lone surrogates, and what it knows about."""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

from hypothesis import strategies as st

from llm_shield.normalising import tables


def _special() -> list[str]:
    known = tables()
    return sorted(
        {*known.joining, *known.several, *map(chr, known.single), *map(chr, known.mixed.to)}
        | {*map(chr, known.always.to)}
    )


SPECIAL = st.sampled_from(_special())
PLAIN = st.sampled_from(
    [*"aeinorsxIO019 _.,=<\n\t\x00éüßŞıİжщиαωπ漢字のノ가각한ᄒ", "\ud800", "\udfff", "😀"]
)
FOLDS = st.sampled_from([*"аеорсухіјЅІαοινАВЕ\u0301\u0323\u0336\u200b\u202e🇮🇬’“—١٢ﬁ㎏ｉ𝐢"])

TEXTS = st.lists(st.one_of(SPECIAL, PLAIN, FOLDS, st.characters()), max_size=40).map("".join)
"""Arbitrary texts, most of them of characters that something happens to."""
