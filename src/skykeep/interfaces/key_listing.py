"""Listings of keys."""

from __future__ import annotations

from skykeep.interfaces.key_driver import KeyInfo
from skykeep.interfaces.paging import Paged


class KeyListing(Paged[KeyInfo]):
    """An async iterator of ``KeyInfo``; fetches a page at a time."""
