"""Bitwarden's unencrypted JSON export, of a person's vault or an organisation's.

Bitwarden, "Condition a Bitwarden .csv or .json" (the import format, which the export has
too): ``folders`` or ``collections`` of ``id`` and ``name`` (with ``/`` for nesting);
``items`` of ``type`` (1 login, 2 note, 3 card, 4 identity), ``name``, ``notes``, ``folderId``
or ``collectionIds``, ``fields`` of ``name`` and ``value``, and ``login``, ``card`` or
``identity``. An export with ``encrypted: true`` is refused.
"""

from __future__ import annotations

from typing import Any

from skykeep.dialects.entries import entry
from skykeep.dialects.json_document import Pairs, parsed
from skykeep.dialects.model import Item
from skykeep.errors import Invalid


def read(data: bytes, source: str) -> list[Item]:
    """The items, below their folders. Raises ``Invalid``."""
    document = _object(parsed(data, source))
    if document.get("encrypted") is True:
        raise Invalid(
            f"{source} is an encrypted export",
            hint="export it again with the file format '.json', not '.json (Encrypted)'",
        )
    items = document.get("items")
    if not isinstance(items, list):
        raise Invalid(f"{source} is no export of Bitwarden: it has no items")
    folders: dict[str, str] = {}
    for kind in ("folders", "collections"):
        for one in map(_object, _list(document.get(kind))):
            if isinstance(one.get("id"), str) and isinstance(one.get("name"), str):
                folders[one["id"]] = one["name"]
    found = [_item(_object(one), folders) for one in items]
    return [one for one in found if one is not None]


def _item(one: dict[str, Any], folders: dict[str, str]) -> Item | None:
    place = one.get("folderId")
    if place is None and (collections := _list(one.get("collectionIds"))):
        place = collections[0]
    login = _object(one.get("login"))
    fields: list[tuple[str, object]] = [
        (label, login.get(label)) for label in ("password", "username", "totp")
    ]
    fields += [("url", _object(uri).get("uri")) for uri in _list(login.get("uris"))]
    for kind in ("card", "identity", "sshKey"):
        fields += list(_object(one.get(kind)).items())
    fields.append(("notes", one.get("notes")))
    for field in map(_object, _list(one.get("fields"))):
        label = field.get("name")
        fields.append((label if isinstance(label, str) else "", field.get("value")))
    title = one.get("name")
    folder = folders.get(place, "") if isinstance(place, str) else ""
    return entry([folder, title if isinstance(title, str) else ""], fields)


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Pairs) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value, Pairs) else []
