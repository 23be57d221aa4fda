"""Names of regions, as clouds and people write them.

A region is known by its name alone: nothing here says which country it lies in. So Google's
multi-region ``EU`` is not one of ``europe-*``, and whoever allows both names both.
"""

from __future__ import annotations

from collections.abc import Sequence

_ANY = "*"  # at the end of a pattern, for whatever follows


def folded(region: str) -> str:
    """The form that names are compared in: lower case, without spaces.

    Azure's display names ("West Europe") are its names ("westeurope") with capitals and spaces
    (``az account list-locations``); Cloud Storage tells locations in capitals (``EU``,
    ``EUROPE-WEST1``: "Bucket locations", Google Cloud) and takes them in either.
    """
    return "".join(region.split()).lower()


def parts(region: str) -> list[str]:
    """The single regions of what a driver tells: several are joined by commas."""
    return [name for name in map(folded, region.split(",")) if name]


def within(region: str, allowed: Sequence[str]) -> bool:
    """Whether all of it is in what is allowed: names, or beginnings that end with ``*``."""
    single = parts(region)
    return bool(single) and all(any(_fits(name, each) for each in allowed) for name in single)


def _fits(name: str, pattern: str) -> bool:
    pattern = folded(pattern)
    if pattern.endswith(_ANY):
        return name.startswith(pattern.removesuffix(_ANY))
    return name == pattern
