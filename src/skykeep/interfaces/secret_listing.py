"""Listings of secrets."""

from __future__ import annotations

from skykeep.interfaces.paging import Paged
from skykeep.interfaces.secret_driver import SecretInfo


class Listing(Paged[SecretInfo]):
    """An async iterator of ``SecretInfo``; fetches a page at a time."""
