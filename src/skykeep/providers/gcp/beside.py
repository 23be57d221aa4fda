"""What is kept beside the values: tags, metadata, expiry and skykeep's own notes.

Tags are labels, by which Google's bills and lists go. A label has lower-case letters, digits,
``_`` and ``-``, 63 at most, and begins with a letter (``Secret.labels``): a tag that does not
fit is kept in the annotation ``skykeep-tags`` instead, a JSON object, so that it comes back as
it was. Metadata are annotations (``Secret.annotations``), and in ``skykeep-metadata`` where a
key does not fit. The expiry is an annotation, too: the service's own ``expire_time`` deletes.

The annotation ``skykeep-stamp`` is a stamp and the number of the version that it is about,
``STAMP.NUMBER``: it is written behind the value, under the secret's etag.

Labels that begin with ``goog-`` are Google's and its tools' own: not shown, and left alone.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes, Stamp
from skykeep.providers.gcp.answers import Secret, number_of

OURS: Final = "skykeep-"
NAME: Final = "skykeep-name"
EXPIRES: Final = "skykeep-expires-at"
CHANGED: Final = "skykeep-changed-at"
CLAIM: Final = "skykeep-claim"
PREVIOUS: Final = "skykeep-previous"
STAMP: Final = "skykeep-stamp"
_TAGS: Final = "skykeep-tags"
_METADATA: Final = "skykeep-metadata"
_GOOGLES: Final = "goog-"

MOST_LABELS: Final = 64
MOST_BYTES: Final = 16 * 1024 - 1
"""Bytes of all annotations' keys and values: "must be less than 16KiB"."""
_ROOM: Final = 640
"""Bytes of these for the notes, whose longest is a name of 255."""
_NOTES: Final = frozenset({NAME, CHANGED, CLAIM, PREVIOUS, STAMP})

_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
_LONGEST, _LONGEST_BYTES = 63, 128


@dataclass(frozen=True, slots=True)
class Beside:
    """Labels and annotations, as the service has them."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, secret: Secret) -> Beside:
        """What is there."""
        return cls(secret.labels, secret.annotations)

    @property
    def tags(self) -> dict[str, str]:
        """Those of the application."""
        labels = {k: v for k, v in self.labels.items() if not k.startswith(_GOOGLES)}
        return {**_unpacked(self.annotations.get(_TAGS)), **labels}

    @property
    def metadata(self) -> dict[str, str]:
        """That of the application, and annotations of others."""
        plain = {k: v for k, v in self.annotations.items() if not k.startswith(OURS)}
        return {**_unpacked(self.annotations.get(_METADATA)), **plain}

    @property
    def expires_at(self) -> datetime | None:
        """The expiry in UTC."""
        return moment(self.annotations.get(EXPIRES))

    @property
    def changed_at(self) -> datetime | None:
        """When skykeep last changed what is beside the values."""
        return moment(self.annotations.get(CHANGED))

    @property
    def stamped(self) -> int:
        """The number of the version that the stamp is about; 0 if there is none."""
        return number_of(self.annotations.get(STAMP, "").partition(".")[2]) or 0

    @property
    def stamp(self) -> Stamp | None:
        """The stamp, whatever version it is about."""
        return Stamp.parse(self.annotations.get(STAMP, "").partition(".")[0])

    def marked(self, stamp: Stamp | None, number: int) -> Beside:
        """With the stamp of a version; without, if there is none, or that of a newer one."""
        if stamp is None or self.stamped > number:
            return self
        return self.noted(stamp=f"{stamp}.{number}")

    def noted(self, **notes: str | None) -> Beside:
        """With notes of ours set (``claim="…"``) and removed (None)."""
        annotations = dict(self.annotations)
        for word, text in notes.items():
            key = OURS + word.replace("_", "-")
            annotations.pop(key, None)
            if text is not None:
                annotations[key] = text
        return Beside(self.labels, annotations)

    def given(self, attributes: Attributes) -> Beside:
        """With what a write says. Raises ``Invalid`` if that is too much."""
        labels, annotations = dict(self.labels), dict(self.annotations)
        if attributes.tags is not KEEP:
            fit = {k: v for k, v in attributes.tags.items() if _is_label(k, v)}
            labels = {k: v for k, v in labels.items() if k.startswith(_GOOGLES)} | fit
            rest = {k: v for k, v in attributes.tags.items() if k not in fit}
            _set(annotations, _TAGS, _packed(rest))
        if attributes.metadata is not KEEP:
            fit = {k: v for k, v in attributes.metadata.items() if _KEY.match(k)}
            annotations = {k: v for k, v in annotations.items() if k.startswith(OURS)} | fit
            rest = {k: v for k, v in attributes.metadata.items() if k not in fit}
            _set(annotations, _METADATA, _packed(rest))
        if attributes.expires_at is not KEEP:
            at = attributes.expires_at
            _set(annotations, EXPIRES, None if at is None else timestamp(at))
        if len(labels) > MOST_LABELS:
            raise Invalid(f"a secret carries at most {MOST_LABELS} labels, Google's included")
        given = [(k, v) for k, v in annotations.items() if k not in _NOTES]
        size = sum(len(k.encode()) + len(v.encode()) for k, v in given)
        if size > MOST_BYTES - _ROOM:
            raise Invalid(
                f"metadata and tags make {size:,} bytes of annotations; "
                f"Google Secret Manager keeps {MOST_BYTES - _ROOM:,} of them"
            )
        return Beside(labels, annotations)


EMPTY: Final = Beside({}, {})


def check(given: Attributes) -> None:
    """Raise ``Invalid`` for what can never be kept."""
    for what, pairs in (("tag", given.tags), ("metadata key", given.metadata)):
        for key in () if pairs is KEEP else pairs:
            if key.startswith(OURS) or (what == "tag" and key.startswith(_GOOGLES)):
                raise Invalid(
                    f"the {what} {shown(key)} begins with a word that is not for applications",
                    hint="'skykeep-' is skykeep's own and 'goog-' Google's",
                )
    EMPTY.given(given)


def timestamp(at: datetime) -> str:
    """A time as it is kept."""
    return at.astimezone(UTC).isoformat()


def moment(text: str | None) -> datetime | None:
    """A time that is kept, in UTC; None if there is none or it is not one of ours."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _is_label(key: str, value: str) -> bool:
    # ``[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}`` and ``[\p{Ll}\p{Lo}\p{N}_-]{0,63}``.
    return unicodedata.category(key[0]) in {"Ll", "Lo"} and _fits(key) and _fits(value)


def _fits(text: str) -> bool:
    if len(text) > _LONGEST or len(text.encode()) > _LONGEST_BYTES:
        return False
    return all(
        letter in "_-"
        or unicodedata.category(letter) in {"Ll", "Lo"}
        or unicodedata.category(letter)[0] == "N"
        for letter in text
    )


def _set(annotations: dict[str, str], key: str, text: str | None) -> None:
    annotations.pop(key, None)
    if text:
        annotations[key] = text


def _packed(pairs: Mapping[str, str]) -> str | None:
    return json.dumps(pairs, ensure_ascii=False, sort_keys=True) if pairs else None


def _unpacked(text: str | None) -> dict[str, str]:
    """The pairs of an annotation; none if somebody has written something else there."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
