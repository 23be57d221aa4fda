"""Entries of password managers: what their fields are called here, the same for all."""

from __future__ import annotations

from collections.abc import Iterable

from skykeep.dialects.model import Item
from skykeep.interfaces.secret_value import SecretValue


def entry(path: Iterable[str | None], fields: Iterable[tuple[str, object]]) -> Item | None:
    """An item of the fields that are text and not empty; None if there are none.

    Labels on the way that are missing are left out; a missing title is ``unnamed``.
    """
    *folders, title = path
    kept = [
        (label or "field", SecretValue(value))
        for label, value in fields
        if isinstance(value, str) and value
    ]
    labels = [part for folder in folders if folder for part in folder.split("/") if part]
    return Item((*labels, (title or "").replace("/", " ") or "unnamed"), kept) if kept else None
