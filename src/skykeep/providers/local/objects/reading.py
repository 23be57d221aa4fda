"""An object as it is read: without a lock, and yet one body with what belongs to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, NamedTuple

from skykeep.errors import Conflict, Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Fragment, ObjectInfo
from skykeep.providers.local.objects.about import (
    About,
    Identity,
    identity_of,
    info_of,
    read_about,
)
from skykeep.providers.local.objects.layout import Layout, read_range, segments_of

TRIES: Final = 8
"""How often an object may be replaced, or a file be written in place, under one reading."""


class Found(NamedTuple):
    """An object that was found."""

    identity: Identity
    about: About | None

    def info(self, key: str) -> ObjectInfo:
        """What is known of it."""
        return info_of(key, self.identity, self.about)


class Reading:
    """Reads objects. Every method blocks as long as the file system takes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def head(self, key: str) -> Found:
        """What is known of it; the body need not be readable. Raises ``OSError``."""
        segments = segments_of(key)
        with (
            self._layout.root() as root,
            self._own(root) as own,
            self._layout.below(root, segments[:-1]) as parent,
        ):
            for _ in range(TRIES):
                identity = identity_of(self._layout.file(parent, segments[-1], key))
                about = None if own is None else read_about(own, key, identity)
                if about is not None:
                    return Found(identity, about)
                # It may have been replaced since: then what belonged to it is gone.
                if identity_of(self._layout.file(parent, segments[-1], key)) == identity:
                    return Found(identity, None)
        raise _unsteady(key)

    def read(self, key: str, start: int, length: int | None, if_match: str | None) -> Fragment:
        """A range. Raises ``Conflict``, ``Invalid`` for one beyond the end, ``OSError``."""
        for _ in range(TRIES):
            with self.opened(key) as (descriptor, found):
                identity = found.identity
                if if_match is not None and identity.etag != if_match:
                    raise Conflict(f"{shown(key)} has another etag than expected")
                if start > identity.size:
                    raise Invalid(
                        f"{shown(key)} has {identity.size:,} bytes, none at {start:,}"
                    )
                rest = identity.size - start
                wanted = rest if length is None else min(rest, length)
                data = read_range(descriptor, start, wanted)
                # Ours are never changed, only replaced; others may write into a file.
                if len(data) == wanted and identity_of(os.fstat(descriptor)) == identity:
                    return Fragment(found.info(key), start, data)
                del data
        raise _unsteady(key)

    @contextmanager
    def opened(self, key: str) -> Iterator[tuple[int, Found]]:
        """The body, open, with what belongs to it. It stays what it is if it is replaced."""
        segments = segments_of(key)
        with (
            self._layout.root() as root,
            self._own(root) as own,
            self._layout.below(root, segments[:-1]) as parent,
        ):
            for _ in range(TRIES):
                with self._layout.opened(parent, segments[-1], key) as descriptor:
                    identity = identity_of(os.fstat(descriptor))
                    about = None if own is None else read_about(own, key, identity)
                    if about is None:
                        there = identity_of(self._layout.file(parent, segments[-1], key))
                        if there != identity:
                            continue  # replaced since: what belonged to it is gone
                    yield descriptor, Found(identity, about)
                    return
        raise _unsteady(key)

    @contextmanager
    def _own(self, root: int) -> Iterator[int | None]:
        """Our own directory, if there is one: others may have made all that is here."""
        with ExitStack() as stack:
            own = None
            with suppress(FileNotFoundError):
                own = stack.enter_context(self._layout.own(root))
            yield own


def _unsteady(key: str) -> Conflict:
    return Conflict(
        f"the object {shown(key)} is changed faster than it can be read",
        hint="is a program writing into the file?",
    )
