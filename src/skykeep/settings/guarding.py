"""The part of the model that says what may leave: encrypted, and to which regions.

The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NonEmpty = Annotated[str, Meta(min_length=1)]


class ReuseSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How long one data key is used, so that a batch of writes asks the key store once.

    Attributes:
        max_messages: values and objects sealed under one data key; 1 is a new one for each.
        max_bytes: bytes of them all together.
        max_seconds: for so long, and for so long an unwrapped one is kept for reading; 0
            asks the key store each time.
    """

    max_messages: Annotated[int, Meta(ge=1, le=2**32)] = 10_000
    max_bytes: Annotated[int, Meta(ge=1)] = 1 << 40
    max_seconds: Annotated[float, Meta(ge=0)] = 300.0


class EncryptionSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is encrypted in this process, so that a store sees only ciphertext.

    Attributes:
        kek: the name of the key of ``cloud.keys`` that wraps the data keys; without it
            nothing is encrypted here.
        retired_keks: keys that wrapped data keys before, and still open what they did.
        store: the id of the store of secrets, bound into each value: what is moved into
            another store does not open there. By default the target's ``name`` or backend.
        secrets: whether values of secrets are.
        objects: whether bodies of objects are.
        plain: what is done with something that is not encrypted where all should be:
            ``refuse`` it, or ``read`` it, while an older store is being encrypted.
        reuse: how long one data key is used.
    """

    kek: NonEmpty | None = None
    retired_keks: tuple[NonEmpty, ...] = ()
    store: NonEmpty | None = None
    secrets: bool = True
    objects: bool = True
    plain: Literal["refuse", "read"] = "refuse"
    reuse: ReuseSettings = ReuseSettings()


class ResidencyClass(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The regions of one class of data.

    Attributes:
        prefix: the names and keys of the class lie under it; whole segments, as the
            application writes them, without tenant and namespace. native: is all foreign names.
        regions: the regions that they may be in: ``eu-west-1``, or ``eu-*`` for all that
            begin so.
    """

    prefix: NonEmpty
    regions: Annotated[tuple[NonEmpty, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        # A prefix that fits nothing would leave its data unguarded, and nobody would see it.
        segments = self.prefix.removesuffix("/").split("/")
        if any(segment in {"", ".", ".."} or "*" in segment for segment in segments):
            raise ValueError(
                f"prefix is of whole segments, as in team/patients, not {self.prefix!a}"
            )
        _check_regions(self.regions)


class ResidencySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The regions that data may be in; anything else is refused before a byte leaves.

    Attributes:
        regions: the regions that are allowed: ``eu-west-1``, or ``eu-*`` for all that begin
            so; empty allows all.
        classes: other regions for some of the data; the longest prefix that fits decides.
        strict: whether a region that only the configuration declares is refused, where the
            service itself does not tell.
    """

    regions: tuple[NonEmpty, ...] = ()
    classes: tuple[ResidencyClass, ...] = ()
    strict: bool = False

    def __post_init__(self) -> None:
        _check_regions(self.regions)
        prefixes = [each.prefix.removesuffix("/") for each in self.classes]
        if len(set(prefixes)) != len(prefixes):
            raise ValueError("classes have each their own prefix")


def _check_regions(regions: tuple[str, ...]) -> None:
    for region in regions:
        if not region.strip() or "," in region or "*" in region[:-1]:
            raise ValueError(
                f"regions are names, or beginnings with one '*' at the end, not {region!a}"
            )
