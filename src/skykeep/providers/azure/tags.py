"""Tags and expiry of a secret, which Key Vault keeps with each version.

To applications they are the secret's: each new version takes along what the one before it had.
Ours begin with ``skykeep-`` and are not shown:

``skykeep-name``
    the portable name, with the prefix, where the name in the vault is another.
``skykeep-stamp``
    the number of the write: a version that was made of another has one more. The service gives
    times in whole seconds, and no order to versions of the same second; this one does. Behind
    it and a dot, if the write has one, its ``Stamp``: ``NUMBER.STAMP``. It is about the version
    that it stands at; a client that copies tags to another version copies it, too.
``skykeep-no-expiry``
    the expiry, in seconds, that was taken off. The service cannot take one off a version, only
    change it (terraform-provider-azurerm pull requests 23327 and 28494): it stays there, and
    the next version has none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import KEEP, Attributes, Stamp
from skykeep.providers.azure.answers import Entry, instant

NAME: Final = "skykeep-name"
STAMP: Final = "skykeep-stamp"
NO_EXPIRY: Final = "skykeep-no-expiry"
_OURS = "skykeep-"

# "up to 15 tags" (azure-security-docs, ``secrets/about-secrets.md``): a 512 character name and
# value there; 256 in earlier editions, which is kept to.
MOST: Final = 15
MOST_GIVEN: Final = MOST - len((NAME, STAMP, NO_EXPIRY))
LONGEST: Final = 256


def check(given: Attributes) -> None:
    """Raise ``Unsupported`` or ``Invalid`` for what cannot be kept."""
    if given.metadata is not KEEP and given.metadata:
        raise Unsupported(
            "Azure Key Vault keeps no metadata beside a secret",
            hint="nothing happened; tags are kept",
        )
    if given.tags is KEEP:
        return
    for key, value in given.tags.items():
        if key.lower().startswith(_OURS):
            raise Invalid(f"the tag {shown(key)} begins with '{_OURS}', which is skykeep's own")
        if len(key) > LONGEST or len(value) > LONGEST:
            raise Invalid(
                f"the tag {shown(key)} is too long: Azure Key Vault keeps names and values of "
                f"tags of at most {LONGEST} characters"
            )
    if len(given.tags) > MOST_GIVEN:
        raise Invalid(
            f"{len(given.tags)} tags; Azure Key Vault keeps {MOST} with a secret, "
            f"of which {MOST_GIVEN} are for applications"
        )


def of_others(there: Entry) -> dict[str, str]:
    """Those that are not ours."""
    return {key: value for key, value in (there.tags or {}).items() if not _is_ours(key)}


def number(there: Entry) -> int:
    """The number of the write that made the version; 0 if others made it."""
    text, _, _ = (there.tags or {}).get(STAMP, "").partition(".")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def stamp(there: Entry) -> Stamp | None:
    """The stamp that the version was written with."""
    _, _, text = (there.tags or {}).get(STAMP, "").partition(".")
    return Stamp.parse(text)


def expiry(there: Entry) -> datetime | None:
    """When it should no longer be used, in UTC."""
    seconds = there.attributes.exp
    removed = (there.tags or {}).get(NO_EXPIRY)
    return None if removed is not None and removed == str(seconds) else instant(seconds)


def of_new(given: Attributes, before: Entry | None, name: str | None) -> dict[str, object]:
    """The fields of a new version: its tags and its expiry. ``before`` is the version that it
    follows, ``name`` what is kept of the name."""
    tags = _tags(given, before)
    if name is not None:
        tags[NAME] = name
    tags[STAMP] = str(1 if before is None else number(before) + 1)
    if given.stamp is not None:
        tags[STAMP] += f".{given.stamp}"
    expires = given.expires_at
    if expires is KEEP:
        expires = None if before is None else expiry(before)
    attributes: dict[str, object] = {"enabled": True}
    if isinstance(expires, datetime):
        attributes["exp"] = int(expires.timestamp())
    return {"tags": tags, "attributes": attributes}


def change(given: Attributes, there: Entry) -> dict[str, object]:
    """The fields of a change of the version; empty if there is nothing to change."""
    changed: dict[str, object] = {}
    ours = {key: value for key, value in (there.tags or {}).items() if _is_ours(key)}
    expires = given.expires_at
    if expires is None and expiry(there) is not None:
        ours[NO_EXPIRY] = str(there.attributes.exp)
    elif isinstance(expires, datetime):
        ours.pop(NO_EXPIRY, None)
        if int(expires.timestamp()) != there.attributes.exp:
            changed["attributes"] = {"exp": int(expires.timestamp())}
    tags = _tags(given, there) | ours
    if tags != (there.tags or {}):
        changed["tags"] = tags
    return changed


def _tags(given: Attributes, there: Entry | None) -> dict[str, str]:
    if given.tags is not KEEP:
        return dict(given.tags)
    return {} if there is None else of_others(there)


def _is_ours(key: str) -> bool:
    return key.lower().startswith(_OURS)
