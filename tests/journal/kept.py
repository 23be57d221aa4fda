"""What a journal's file holds, looked at by an object of its own."""

from __future__ import annotations

from pathlib import Path

from skykeep.journal.store import open_journal


def records(path: Path, *, key_file: Path | None = None) -> dict[int, bytes]:
    """Id and payload of all records, in order."""
    journal = open_journal(path, key_file=key_file)
    try:
        _, found = journal.changes(0)
        return {each: payload for each, payload in found if payload is not None}
    finally:
        journal._close_links()


def kept(path: Path, *, key_file: Path | None = None) -> list[bytes]:
    """The payloads."""
    return list(records(path, key_file=key_file).values())
