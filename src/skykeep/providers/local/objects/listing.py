"""A page of a listing: directories walked in the order of the keys' UTF-8 bytes.

The names of a directory are read and sorted once. A page ends in the middle of a walk, which
is kept until the next page asks for it: or each page would read a directory of 100,000
names anew. A walk that is not there any more is begun again behind the cursor.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from skykeep.errors import Denied
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.object_driver import ObjectInfo, ObjectPage
from skykeep.providers.local.objects.about import identity_of, info_of
from skykeep.providers.local.objects.layout import Layout, portable, reserved, segments_of

WALKS: Final = 4
"""Walks that are kept at once."""


@dataclass(slots=True)
class _Walk:
    steps: Iterator[str]
    ahead: str | None = None  # what the page before had no room for


class Listing:
    """Pages of one directory's objects."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._walks: OrderedDict[str, _Walk] = OrderedDict()

    def page(self, prefix: str, cursor: str | None, limit: int, delimiter: bool) -> ObjectPage:
        """Some objects under a prefix. Raises ``Invalid`` for a foreign cursor, ``OSError``."""
        start = f"{prefix}/" if prefix else ""
        if prefix:
            segments_of(prefix)
        after = "" if cursor is None else position(cursor, start, delimiter)
        walk = self._walks.pop(cursor, None) if cursor is not None else None
        if walk is None:
            walk = _Walk(self._walked(start, after, delimiter))
        items: list[ObjectInfo] = []
        prefixes: list[str] = []
        with _Looking(self._layout) as looking:
            while (step := walk.ahead or next(walk.steps, None)) is not None:
                walk.ahead = None
                info = None
                if not step.endswith("/"):
                    info = looking.info(step)
                    if info is None:
                        continue  # removed since the directory was read
                if len(items) + len(prefixes) == limit:
                    walk.ahead = step
                    following = next_cursor(start, after, delimiter)
                    self._keep(following, walk)
                    return ObjectPage(items, prefixes, following)
                after = step
                if info is None:
                    prefixes.append(step[:-1])
                else:
                    items.append(info)
        return ObjectPage(items, prefixes, None)

    def _keep(self, cursor: str, walk: _Walk) -> None:
        self._walks[cursor] = walk
        while len(self._walks) > WALKS:
            with suppress(KeyError):  # another thread took it
                self._walks.popitem(last=False)

    def _walked(self, start: str, after: str, delimiter: bool) -> Iterator[str]:
        """Keys behind ``after``; with ``delimiter``, directories with objects as ``a/``."""
        above = [iter(self._names(start))]
        while above:
            path = next(above[-1], None)
            if path is None:
                above.pop()
            elif not path.endswith("/"):
                if path > after:
                    yield path
            elif delimiter:
                if path > after and next(self._walked(path, "", False), None) is not None:
                    yield path
            elif path > after or after.startswith(path):
                above.append(iter(self._names(path)))

    def _names(self, within: str) -> list[str]:
        """What a directory holds, sorted: keys, and directories with a slash."""
        names: list[str] = []
        try:
            with (
                self._layout.root() as root,
                self._layout.below(root, within.split("/")[:-1]) as descriptor,
                os.scandir(descriptor) as entries,
            ):
                for entry in entries:
                    path = within + entry.name
                    if not within and reserved(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if portable(path):
                            names.append(f"{path}/")
                    elif entry.is_file(follow_symlinks=False) and portable(path):
                        names.append(path)
        except (FileNotFoundError, NotADirectoryError):
            return []  # removed meanwhile, or it never was
        # Text sorts as its UTF-8 does, and 'a/' where what lies in it will stand.
        names.sort()
        return names


class _Looking:
    """Looks at one file after the other; the directory of the last one stays open."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._open = ExitStack()
        self._within: str | None = None
        self._parent = -1

    def __enter__(self) -> _Looking:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def info(self, key: str) -> ObjectInfo | None:
        """What is known of an object; None if it is not there."""
        within, _, name = key.rpartition("/")
        try:
            if within != self._within:
                self._open.close()
                self._within = None
                root = self._open.enter_context(self._layout.root())
                segments = within.split("/") if within else []
                self._parent = self._open.enter_context(self._layout.below(root, segments))
                self._within = within
            found = self._layout.file(self._parent, name, key)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, Denied):
            return None
        return info_of(key, identity_of(found), None, listed=True)
