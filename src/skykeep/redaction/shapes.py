"""What well-known tokens look like, each as its issuer says or as their own scanners have it.

A pattern begins with a literal character, which is searched for at memory's speed; what
stands before that character is asked for by a lookbehind. Not here: shapes that need a word
like "password" beside them, which find more guesses than secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of token.

    Attributes:
        name: what findings call it.
        pattern: finds it; what it matches lies in the token.
        before: bytes of the token that stand before the match.
        source: where its form comes from.
    """

    name: str
    pattern: re.Pattern[bytes]
    source: str
    before: int = 0


class Sighting(NamedTuple):
    """``data[start:end]`` looks like a token of this shape."""

    start: int
    end: int
    shape: str


_AFTER = rb"(?![A-Za-z0-9_-])"


def _shape(name: str, pattern: bytes, source: str, before: int = 0) -> Shape:
    return Shape(name, re.compile(pattern), source, before)


SHAPES = (
    _shape(
        "aws-access-key-id",
        rb"A(?<![A-Za-z0-9]A)(?:KIA|SIA)[A-Z2-7]{16}(?![A-Za-z0-9])",
        "AWS IAM user guide, 'IAM identifiers', unique ID prefixes: AKIA, ASIA",
    ),
    _shape(
        "google-api-key",
        rb"A(?<![A-Za-z0-9_-]A)Iza[A-Za-z0-9_-]{35}" + _AFTER,
        "Google Cloud documentation, 'API keys'; form as in Google's OSV-SCALIBR detectors",
    ),
    _shape(
        "github-token",
        rb"g(?<![A-Za-z0-9]g)(?:h[pousr]_[A-Za-z0-9]{36,251}|ithub_pat_[A-Za-z0-9_]{82})"
        + _AFTER,
        "GitHub documentation, 'About authentication', token prefixes; GitHub blog, "
        "'Behind GitHub's new authentication token formats' (2021)",
    ),
    _shape(
        "slack-token",
        rb"x(?<![A-Za-z0-9]x)ox[abeoprs]-[A-Za-z0-9-]{10,250}",
        "Slack API documentation, 'Token types': xoxb-, xoxp-, xoxa-, xoxr-, xoxe-",
    ),
    _shape(
        "private-key",
        rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----",
        "RFC 7468, sections 10 and 11; RFC 4880, section 6.2; OpenSSH PROTOCOL.key",
    ),
    _shape(
        "jwt",
        rb"J(?<=eyJ)(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{10,2000}\."
        rb"eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}",
        "RFC 7519, section 3, and RFC 7515, section 7.1: three base64url parts, of which two "
        'are JSON objects and so begin with eyJ, which is {"',
        before=2,
    ),
    _shape(
        "stripe-secret-key",
        rb"_live_(?<=[sr]k_live_)[A-Za-z0-9]{24,247}" + _AFTER,
        "Stripe documentation, 'API keys': sk_live_, rk_live_",
        before=2,
    ),
)


_GATES = (
    (rb"A(?:KIA|SIA|Iza)", ("aws-access-key-id", "google-api-key")),
    (
        rb"_(?:(?<=gh[pousr]_)|(?<=github_)pat_|(?<=[sr]k_)live_)",
        ("github-token", "stripe-secret-key"),
    ),
    (rb"x(?<=x)ox[abeoprs]-", ("slack-token",)),
    (rb"PRIVATE KEY", ("private-key",)),
    (rb"J(?<=eyJ)[A-Za-z0-9_-]{10,2000}\.eyJ", ("jwt",)),
)
"""What must be somewhere for any of these shapes to be there. One search says no to several;
each begins with one literal character, or with many rare ones, which is what is fast."""

_GATED = tuple(
    (re.compile(gate), tuple(shape for shape in SHAPES if shape.name in names))
    for gate, names in _GATES
)


def sightings(data: bytes) -> Iterator[Sighting]:
    """Everything in ``data`` that has one of the shapes, shape by shape."""
    for gate, shapes in _GATED:
        if gate.search(data) is None:
            continue
        for shape in shapes:
            for found in shape.pattern.finditer(data):
                yield Sighting(found.start() - shape.before, found.end(), shape.name)
