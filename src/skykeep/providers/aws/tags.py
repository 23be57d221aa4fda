"""Tags and expiry of a secret, as tags of AWS.

Ours begin with ``skykeep:`` and are not shown, nor are AWS's own (``aws:``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes, Stamp

EXPIRES: Final = "skykeep:expires-at"
STAMP: Final = "skykeep:stamp"
"""The stamp of a version and the version's number, ``STAMP.NUMBER``: in stores that keep it
behind the value, of which it then may be late or of another version."""

MOST: Final = 50
"""Tags of a resource, all kinds together (Tagging AWS Resources, "Tag naming limits")."""

_OWN = ("skykeep:", "aws:")
_MARKS = frozenset("_.:/=+-@ ")


@dataclass(frozen=True, slots=True)
class Change:
    """What to send so that a resource has the tags that it should have."""

    put: Mapping[str, str]
    remove: tuple[str, ...]


class Tags:
    """Reads and changes the tags of secrets of one target."""

    def __init__(self, store: str) -> None:
        """``store`` is its name for errors."""
        self._store = store

    def check(self, given: Attributes) -> None:
        """Raise ``Unsupported`` or ``Invalid`` for what cannot be kept."""
        if given.metadata is not KEEP and given.metadata:
            raise Unsupported(
                f"{self._store} keeps no metadata beside a secret",
                hint="nothing happened; tags are kept",
            )
        if given.tags is KEEP:
            return
        for key, value in given.tags.items():
            if key.startswith(_OWN):
                raise Invalid(
                    f"the tag {shown(key)} begins with a word that is not for applications",
                    hint="'aws:' is AWS's own and 'skykeep:' skykeep's",
                )
            for text in (key, value):
                if not all(_is_allowed(letter) for letter in text):
                    raise Invalid(
                        f"the tag {shown(key)} has a character that AWS does not allow",
                        hint="letters, digits, spaces and _.:/=+-@ are allowed",
                    )
        if len(given.tags) + 1 > MOST:
            raise Invalid(f"a secret carries at most {MOST} tags, with that of its expiry")

    def of_new(self, given: Attributes) -> dict[str, str]:
        """All tags of a new secret."""
        tags = dict(given.tags) if given.tags is not KEEP else {}
        if isinstance(given.expires_at, datetime):
            tags[EXPIRES] = _timestamp(given.expires_at)
        return tags

    def change(self, there: Mapping[str, str], given: Attributes) -> Change:
        """The change from what is there to what is given."""
        put: dict[str, str] = {}
        remove: list[str] = []
        if given.tags is not KEEP:
            put |= {key: value for key, value in given.tags.items() if there.get(key) != value}
            remove += [key for key in self.shown(there) if key not in given.tags]
        if given.expires_at is not KEEP:
            expires = None if given.expires_at is None else _timestamp(given.expires_at)
            if expires is None:
                remove += [EXPIRES] if EXPIRES in there else []
            elif there.get(EXPIRES) != expires:
                put[EXPIRES] = expires
        return Change(put, tuple(remove))

    def shown(self, there: Mapping[str, str]) -> dict[str, str]:
        """Those that are the application's own."""
        return {key: value for key, value in there.items() if not key.startswith(_OWN)}

    @staticmethod
    def expiry(there: Mapping[str, str]) -> datetime | None:
        """The expiry that is kept, in UTC; None if there is none or it is not one of ours."""
        text = there.get(EXPIRES)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at.astimezone(UTC) if at.tzinfo is not None else None


def pairs(tags: object) -> dict[str, str]:
    """AWS's ``[{"Key": …, "Value": …}]`` as a mapping."""
    return {
        str(tag["Key"]): str(tag.get("Value") or "")
        for tag in (tags if isinstance(tags, list) else ())
    }


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A mapping as AWS's list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def stamp_tag(stamp: Stamp, version: str) -> str:
    """The value of the tag ``STAMP``."""
    return f"{stamp}.{version}"


def stamp_of(there: Mapping[str, str], version: str) -> Stamp | None:
    """The stamp of the version; None if there is none, or one of another version."""
    text, _, about = there.get(STAMP, "").partition(".")
    return Stamp.parse(text) if about == version else None


def _timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _is_allowed(letter: str) -> bool:
    # ``[\p{L}\p{Z}\p{N}_.:/=+\-@]``, as the models of the services have it.
    return letter in _MARKS or unicodedata.category(letter)[0] in "LNZ"
