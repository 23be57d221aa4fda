"""Known values and shapes of tokens in bytes, and where they stand. Never what they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from skykeep.apps.cli.scan_sources import Piece
from skykeep.redaction import Redactor
from skykeep.redaction.shapes import sightings

ALLOW = b"skykeep:allow"
"""On a line, this silences what is found there."""

_LONGEST_SHAPE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not stand there.

    Attributes:
        path, line, column: where, from 1; columns count characters.
        secrets: the names of the secrets that have this value; empty for a shape.
        shape: the name of the shape; None for a value.
    """

    path: str
    line: int
    column: int
    secrets: tuple[str, ...]
    shape: str | None = None

    @property
    def what(self) -> str:
        """In words."""
        if self.shape is not None:
            return f"looks like {self.shape}"
        return f"the value of {', '.join(self.secrets)}"


@dataclass
class Search:
    """Looks for values and, if so set, for shapes."""

    shapes: bool
    names: dict[bytes, list[str]] = field(default_factory=dict)

    def know(self, forms: Iterable[tuple[bytes, str]]) -> None:
        """Look for these forms of values too, each with the name of its secret."""
        for form, name in forms:
            names = self.names.setdefault(form, [])
            if name not in names:
                names.append(name)

    def prepare(self) -> Prepared:
        """All that is to be looked for is known."""
        return Prepared(self)


class Prepared:
    """Looks into pieces."""

    def __init__(self, search: Search) -> None:
        self._shapes = search.shapes
        self._names = [tuple(sorted(names)) for names in search.names.values()]
        self._redactor = Redactor(search.names)
        self.overlap = max(self._redactor.longest, _LONGEST_SHAPE)

    def look(self, piece: Piece) -> Iterator[Finding]:
        """What is found in the piece, in its order."""
        data = piece.data
        line, counted = piece.line, 0
        for start, end, names, shape in self._outermost(data):
            if start >= piece.until:
                break
            head = data.rfind(b"\n", 0, start) + 1
            tail = data.find(b"\n", end)
            if ALLOW in data[head : len(data) if tail < 0 else tail]:
                continue
            line += data.count(b"\n", counted, start)
            counted = start
            before = len(data[head:start].decode("utf-8", "replace"))
            column = before + 1 + (0 if head else piece.column)
            yield Finding(piece.path, line, column, names, shape)

    def _outermost(self, data: bytes) -> Iterator[tuple[int, int, tuple[str, ...], str | None]]:
        """Values that lie in no other, and shapes that no value is part of."""
        found: list[tuple[int, int, tuple[str, ...], str | None]] = []
        reached = 0
        for match in sorted(self._redactor.find(data), key=lambda at: (at.start, -at.end)):
            if match.end > reached:
                reached = match.end
                found.append((match.start, match.end, self._names[match.value], None))
        if self._shapes:
            # Both ends grow along the list: the first that ends behind a start is enough.
            starts, ends = [one[0] for one in found], [one[1] for one in found]
            for seen in sightings(data):
                behind = bisect_right(ends, seen.start)
                if behind == len(starts) or starts[behind] >= seen.end:
                    found.append((seen.start, seen.end, (), seen.shape))
            found.sort(key=lambda one: one[0])
        yield from found
