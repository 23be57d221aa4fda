"""A body comes to its place, or goes from it: the only moments at which anything is visible.

What belongs to a body is on the disk before the body is renamed to its key, and goes after
the body has gone. So a reader, who takes no lock, finds either both or a plain file; and
``kill -9`` leaves at most a small file that belongs to no body, whose key stands in the
lock's file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from skykeep.errors import Conflict, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Condition, ObjectInfo
from skykeep.providers.local.objects.about import (
    About,
    Identity,
    Place,
    identity_of,
    info_of,
    place_of,
)
from skykeep.providers.local.objects.drafts import Draft, draft
from skykeep.providers.local.objects.layout import (
    Layout,
    Rooms,
    names_in,
    segments_of,
    synced,
    write_all,
)
from skykeep.providers.local.objects.locks import Locks

TRIES: Final = 100
"""How often a directory may be removed, as an empty one, from under a writer."""


class Placing:
    """Puts drafts in their place and removes bodies, under the lock of their key."""

    def __init__(self, layout: Layout, locks: Locks) -> None:
        self._layout = layout
        self._locks = locks

    def place(
        self, rooms: Rooms, body: Draft, about: About, condition: Condition
    ) -> ObjectInfo:
        """Make a draft the object, if the condition holds. The draft's bytes need no sync.

        Raises ``Conflict``, also where the key lies within another or another within it.
        """
        (root, own), key = rooms, about.key
        segments, place = segments_of(key), place_of(key)
        body.stamp()
        synced(body.descriptor)
        with draft(own) as beside:
            write_all(beside.descriptor, msgspec.json.encode(about))
            synced(beside.descriptor)
            with (
                self._layout.below(own, place.directory.split("/"), make=True) as abouts,
                self._locks.shard(
                    own, place.shard, lambda left: self._tidy(root, own, left)
                ) as held,
            ):
                before = self._before(root, segments, key)
                _check(key, before, condition)
                identity = body.identity()
                if before is not None and identity.time <= before.time:
                    identity = body.stamp(after=before)
                    synced(body.descriptor)
                held.mark(key)
                try:
                    _move(beside, abouts, place.name(identity))
                    synced(abouts)
                    self._arrive(root, segments, body)
                    if before is not None and place.name(before) != place.name(identity):
                        _remove(abouts, place.name(before))
                except BaseException:
                    # The body may have arrived all the same, and its sync have failed.
                    with suppress(OSError):
                        self._tidy(root, own, key)
                        held.clear()
                    self._prune(root, segments[:-1])
                    raise
                held.clear()
        return info_of(key, identity, about)

    def remove(self, rooms: Rooms, key: str, if_match: str | None) -> None:
        """Remove an object, if it is there and has that etag. Raises ``Conflict``."""
        root, own = rooms
        segments, place = segments_of(key), place_of(key)
        with self._locks.shard(
            own, place.shard, lambda left: self._tidy(root, own, left)
        ) as held:
            try:
                with self._layout.below(root, segments[:-1]) as parent:
                    found = identity_of(self._layout.file(parent, segments[-1], key))
                    _check(key, found, Condition(if_match))
                    held.mark(key)
                    os.unlink(segments[-1], dir_fd=parent)
                    synced(parent)
                    self._forget(own, place, place.name(found))
                    held.clear()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                _check(key, None, Condition(if_match))
                return
            self._prune(root, segments[:-1])

    def _before(self, root: int, segments: Sequence[str], key: str) -> Identity | None:
        """What the key has now. Raises ``Conflict`` where it can have nothing."""
        try:
            with self._layout.below(root, segments[:-1]) as parent:
                try:
                    return identity_of(self._layout.file(parent, segments[-1], key))
                except IsADirectoryError:
                    _make_room(parent, segments[-1], key)
                    return None
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise _within(key) from None

    def _arrive(self, root: int, segments: Sequence[str], body: Draft) -> None:
        key = "/".join(segments)
        for _ in range(TRIES):
            try:
                with self._layout.below(root, segments[:-1], make=True) as parent:
                    _move(body, parent, segments[-1])
                    synced(parent)
                    return
            except FileNotFoundError:
                continue  # a directory was empty, and was removed by who emptied it
            except NotADirectoryError:
                raise _within(key) from None
            except IsADirectoryError:
                raise _above(key) from None
        raise Unavailable(f"the directories of {shown(key)} are removed again and again")

    def _prune(self, root: int, segments: Sequence[str]) -> None:
        """Remove directories that are empty, from the deepest up. A writer makes them again."""
        for number in range(len(segments), 0, -1):
            try:
                with self._layout.below(root, segments[: number - 1]) as parent:
                    os.rmdir(segments[number - 1], dir_fd=parent)
            except OSError:
                return  # not empty, or not ours: it stays

    def _forget(self, own: int, place: Place, name: str) -> None:
        with (
            suppress(FileNotFoundError),
            self._layout.below(own, place.directory.split("/")) as abouts,
        ):
            _remove(abouts, name)

    def _tidy(self, root: int, own: int, key: str) -> None:
        """Remove what is kept for bodies that the key does not have."""
        place = place_of(key)
        keep = ""
        segments = key.split("/")
        with suppress(OSError), self._layout.below(root, segments[:-1]) as parent:
            found = self._layout.file(parent, segments[-1], key)
            keep = place.name(identity_of(found))
        with (
            suppress(FileNotFoundError),
            self._layout.below(own, place.directory.split("/")) as abouts,
        ):
            for name in names_in(abouts):
                if name.startswith(place.stem) and name != keep:
                    _remove(abouts, name)


def _check(key: str, before: Identity | None, condition: Condition) -> None:
    if condition.if_absent and before is not None:
        raise Conflict(f"there is an object {shown(key)} already")
    if condition.if_match is not None and (before is None or before.etag != condition.if_match):
        raise Conflict(f"{shown(key)} has another etag than expected, or is not there")


def _move(draft: Draft, to: int, name: str) -> None:
    os.rename(draft.name, name, src_dir_fd=draft.directory, dst_dir_fd=to)


def _remove(within: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=within)


def _make_room(parent: int, name: str, key: str) -> None:
    """An empty directory makes room. Raises ``Conflict`` for another."""
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        raise _above(key) from None


def _within(key: str) -> Conflict:
    return Conflict(
        f"{shown(key)} lies within a key that has an object: a directory cannot hold 'a' "
        "beside 'a/b'",
        hint="choose another key, or delete that object first",
    )


def _above(key: str) -> Conflict:
    return Conflict(
        f"{shown(key)} has objects within it: a directory cannot hold 'a' beside 'a/b'",
        hint="choose another key, or delete those objects first",
    )
