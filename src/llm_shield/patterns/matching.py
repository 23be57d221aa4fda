"""The engine: anchors first, in one pass; then RE2 for the rules whose anchors are there, only
in windows around them.

Which anchors are in a text is one pass of an ``re2.Set`` over it, an automaton that is built as
texts need it: 2 µs a kilobyte, where Aho-Corasick with a Python object for each hit took 14
(350 anchors, one core); where those few are is ``bytes.find``.

Linear in the text: the set reads each byte once, and so does each anchor that is there; of one
rule's windows, those that touch are one; RE2 does not backtrack. What a match can hold at most
is in the rule (``before``, ``after``), so what a window costs is bounded, too.

Expressions see bytes, each as one character (RE2's Latin-1): a byte offset needs no translation
while it is matched, and every text is valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_shield.extras import needs
from llm_shield.patterns.rules import Rule
from llm_shield.patterns.users import compiled_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR = 256
"""Bytes between windows of one rule that are searched as well: a call costs more."""

TOGETHER = 16_384
"""Bytes from a rule's first anchor to its last that are searched as they are: to look up the
anchors between them would cost more."""

LEAD = 50
"""Bytes that a match with ``lead`` reaches back at most, as gitleaks' expressions do."""

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class Candidate(NamedTuple):
    """What a rule matches: byte offsets of the match, and of the secret in it."""

    rule: Rule
    start: int
    end: int
    secret_start: int
    secret_end: int


class Engine:
    """Rules, ready to be looked for. An expression is compiled when its anchor is first seen.

    One engine may be used by many threads.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Raises ``MissingExtra``."""
        needs("re2", "google-re2")
        self.rules = tuple(rules)
        self._compiled: dict[int, Any] = {}
        self._everywhere = [at for at, rule in enumerate(self.rules) if not rule.anchors]
        anchors: dict[bytes, list[int]] = {}
        for at, rule in enumerate(self.rules):
            for anchor in rule.anchors:
                anchors.setdefault(anchor.encode().lower(), []).append(at)
        self._anchors = tuple(anchors)
        self._rules_of = tuple(map(tuple, anchors.values()))
        self._set: Any = None

    def load(self) -> None:
        """Make the set of anchors now; expressions stay for when they are needed."""
        if self._set is None:
            import re2

            made = re2.Set.SearchSet(_options(never_capture=True))
            for anchor in self._anchors:
                made.Add(re2.escape(anchor))
            # Always found: a set whose memory runs out finds nothing, and does not say so.
            made.Add(b"")
            made.Compile()
            self._set = made

    def expression(self, at: int) -> Any:
        """The compiled expression of a rule."""
        found = self._compiled.get(at)
        if found is None:
            rule = self.rules[at]
            if rule.origin == "user":  # written for characters, not for bytes
                found = compiled_pattern(rule.id, rule.regex)
            else:
                found = compiled(rule.regex)
            self._compiled[at] = found
        return found

    def anchored(self, low: bytes) -> Iterable[int]:
        """The anchors that are in a text in lower case, by number."""
        if self._set is None:
            self.load()
        found = self._set.Match(low)
        if len(self._anchors) in found:
            return [each for each in found if each != len(self._anchors)]
        return range(len(self._anchors))

    def windows(self, data: bytes) -> dict[int, list[tuple[int, int]]]:
        """For each rule whose anchors are in the text, where to search: ascending, apart."""
        size = len(data)
        low = data.lower()  # of bytes: ASCII only, so that places stay what they are
        hulls: dict[int, tuple[int, int]] = {}
        of: dict[int, list[bytes]] = {}
        for number in self.anchored(low):
            anchor = self._anchors[number]
            first = low.find(anchor)
            if first < 0:
                continue
            last = low.rfind(anchor)
            for at in self._rules_of[number]:
                hull = hulls.get(at)
                if hull is None:
                    hulls[at] = first, last
                    of[at] = [anchor]
                else:
                    hulls[at] = min(first, hull[0]), max(last, hull[1])
                    of[at].append(anchor)
        found: dict[int, list[tuple[int, int]]] = {at: [(0, size)] for at in self._everywhere}
        for at, (first, last) in hulls.items():
            if last - first <= TOGETHER:
                rule = self.rules[at]
                # One more byte on each side: word boundaries look at the neighbour.
                start, stop = first - rule.before - 1, last + rule.after + 1
                found[at] = [(max(start, 0), min(stop, size))]
            else:
                places = [place for anchor in of[at] for place in _all(low, anchor)]
                found[at] = self._around(at, sorted(places), size)
        return found

    def _around(self, at: int, places: list[int], size: int) -> list[tuple[int, int]]:
        before, after = self.rules[at].before + 1, self.rules[at].after + 1
        found = []
        start, stop = places[0] - before, places[0] + after
        for place in places:
            if place - before - stop > NEAR:
                found.append((max(start, 0), stop))
                start = place - before
            stop = place + after
        found.append((max(start, 0), min(stop, size)))
        return found

    def candidates(
        self, data: bytes, refused: Callable[[Candidate], bool] | None = None
    ) -> Iterator[Candidate]:
        """What matches, rule by rule, each rule's in ascending order.

        Where ``refused`` says that a candidate is none, the search goes on from the secret's
        beginning, so that it cannot hide what begins in it; else from the match's end.
        """
        for at, places in self.windows(data).items():
            rule = self.rules[at]
            expression = self.expression(at)
            for start, stop in places:
                position = start
                while position < stop:
                    match = expression.search(data, position, stop)
                    if match is None:
                        break
                    candidate = _candidate(rule, data, match)
                    if refused is None or not refused(candidate):
                        yield candidate
                        position = max(match.end(), position + 1)
                    elif candidate.secret_start > match.start():
                        position = candidate.secret_start
                    else:
                        position = max(match.end(), position + 1)


def compiled(regex: str) -> Any:
    """An expression over bytes. Raises ``re2.error``."""
    import re2

    return re2.compile(regex.encode("latin-1"), _options())


def _options(*, never_capture: bool = False) -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False  # it would write expressions to standard error
    options.never_capture = never_capture
    return options


def _all(data: bytes, what: bytes) -> list[int]:
    """Where it is, ascending."""
    found = []
    at = data.find(what)
    while at >= 0:
        found.append(at)
        at = data.find(what, at + 1)
    return found


def _candidate(rule: Rule, data: bytes, match: Any) -> Candidate:
    start, end = match.span()
    secret = start, end
    if rule.group:
        secret = match.span(rule.group)
    else:
        for group in range(1, match.re.groups + 1):
            span = match.span(group)
            if span[0] >= 0 and span[1] > span[0]:
                secret = span
                break
    if rule.lead:
        least = max(0, start - LEAD)
        while start > least and data[start - 1] in _WORD:
            start -= 1
    return Candidate(rule, start, end, *secret)
