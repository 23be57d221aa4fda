"""Tags, metadata and expiry as labels and annotations, and back.

A label without a prefix is private to the user (Kubernetes' documentation, "Labels and
Selectors"): it is a tag, and a tag that can be a label is one, so that ``kubectl get -l``
finds it. Other tags are in the annotation ``skykeep-tags``, metadata is in
``skykeep-metadata``, both as JSON.

Labels with a prefix belong to whoever owns that, and are neither shown nor touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes
from skykeep.providers.kubernetes.objects import Meta
from skykeep.providers.kubernetes.settings import LABEL_VALUE, PLAIN_LABEL

MAX_BYTES: Final = 256 * 1024
"""All annotations of an object, keys and values (k8s.io/apimachinery
``pkg/api/validation/objectmeta.go``, TotalAnnotationSizeLimitB)."""

HOUSE: Final = "skykeep-"
NAME: Final = "skykeep-name"
CHANGES: Final = "skykeep-changes"
_TAGS: Final = "skykeep-tags"
_METADATA: Final = "skykeep-metadata"
_EXPIRES: Final = "skykeep-expires-at"

Patch = dict[str, str | None]
"""A merge patch of annotations or labels: None removes (RFC 7396)."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a Secret says beside its value."""

    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None

    def changed(self, given: Attributes) -> Beside:
        """With what is given in place of what was there."""
        return Beside(
            dict(self.tags if given.tags is KEEP else given.tags),
            dict(self.metadata if given.metadata is KEEP else given.metadata),
            self.expires_at if given.expires_at is KEEP else given.expires_at,
        )

    def labels(self) -> dict[str, str]:
        """The tags that are labels. Raises ``Invalid`` for one that is skykeep's own."""
        for key in self.tags:
            if key.startswith(HOUSE):
                raise Invalid(f"a tag cannot begin with {HOUSE!r} in Kubernetes: {shown(key)}")
        return {key: value for key, value in self.tags.items() if _fits(key, value)}

    def annotations(self) -> dict[str, str]:
        """The rest."""
        found = {}
        tags = {key: value for key, value in self.tags.items() if not _fits(key, value)}
        if tags:
            found[_TAGS] = _packed(tags)
        if self.metadata:
            found[_METADATA] = _packed(self.metadata)
        if self.expires_at is not None:
            found[_EXPIRES] = self.expires_at.astimezone(UTC).isoformat()
        return found


def beside(meta: Meta) -> Beside:
    """What an object's labels and annotations say."""
    notes = meta.annotations or {}
    labels = {
        key: value
        for key, value in (meta.labels or {}).items()
        if "/" not in key and not key.startswith(HOUSE)
    }
    return Beside(
        _unpacked(notes.get(_TAGS)) | labels,
        _unpacked(notes.get(_METADATA)),
        _moment(notes.get(_EXPIRES)),
    )


def patches(meta: Meta, wanted: Beside) -> tuple[Patch, Patch]:
    """What makes an object say this: of annotations, of labels. Raises ``Invalid`` if there is
    no room for it."""
    notes: Patch = dict.fromkeys((_TAGS, _METADATA, _EXPIRES) & (meta.annotations or {}).keys())
    labels: Patch = dict.fromkeys(beside(meta).tags.keys() & (meta.labels or {}).keys())
    notes.update(wanted.annotations())
    labels.update(wanted.labels())
    after = {**(meta.annotations or {}), **notes}
    check_room({key: value for key, value in after.items() if value is not None})
    return notes, labels


def check_room(annotations: Mapping[str, str]) -> None:
    """Raises ``Invalid`` if an object cannot have so many."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    # The version's id, its stamp and the count of changes come on top; two hundred bytes hold
    # them.
    if size + 200 > MAX_BYTES:
        raise Invalid(
            f"metadata and tags of a Secret have at most {MAX_BYTES:,} bytes in Kubernetes; "
            f"these annotations have {size:,}"
        )


def _fits(key: str, value: str) -> bool:
    return bool(PLAIN_LABEL.match(key) and LABEL_VALUE.match(value))


def _packed(pairs: Mapping[str, str]) -> str:
    return json.dumps(pairs, ensure_ascii=False, sort_keys=True)


def _unpacked(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None  # somebody else's text
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
