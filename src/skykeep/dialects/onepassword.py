"""1Password's exports: 1PUX, and CSV.

1PUX ("About the 1Password Unencrypted Export format", support.1password.com/1pux-format) is
a ZIP archive whose ``export.data`` is JSON: ``accounts`` of ``vaults`` of ``items``, with
``overview.title`` and ``overview.url``, ``details.loginFields`` (``designation`` username or
password), ``details.password``, ``details.notesPlain`` and ``details.sections`` of ``fields``
of ``title`` and ``value``, an object whose one key says the kind. Older exports wrap each
item in ``{"item": …}``. Files that are attached are left out.

The CSV of 1Password 8 has the columns Title, Url, Username, Password, OTPAuth, Favorite,
Archived, Tags and Notes; columns are found by their names.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from typing import Any

from skykeep.dialects.entries import entry
from skykeep.dialects.json_document import Pairs, parsed
from skykeep.dialects.model import Item, broken, decoded
from skykeep.errors import Invalid
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES

_DATA = "export.data"
_COLUMNS = ("password", "username", "otpauth", "url", "notes")


def read_1pux(data: bytes, source: str) -> list[Item]:
    """The items of all accounts, below their vaults. Raises ``Invalid``."""
    document = parsed(_member(data, source), f"{source} ({_DATA})")
    accounts = _list(_object(document).get("accounts"))
    if not accounts:
        raise Invalid(f"{source} is no 1PUX: it has no accounts")
    found: list[Item | None] = []
    for account in map(_object, accounts):
        for vault in map(_object, _list(account.get("vaults"))):
            name = _text(_object(vault.get("attrs")).get("name"))
            items = map(_object, _list(vault.get("items")))
            found += [_item(_object(one.get("item")) or one, name) for one in items]
    return [one for one in found if one is not None]


def _member(data: bytes, source: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_DATA) as member:
            # Of an archive that unfolds into more, no more than this is read.
            text = member.read(4 * MAX_VALUE_BYTES + 1)
        if len(text) <= 4 * MAX_VALUE_BYTES:
            return text
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        RuntimeError,
        NotImplementedError,
        EOFError,
    ):
        pass
    raise Invalid(f"{source} is no 1PUX: it is no ZIP archive with {_DATA}")


def _item(one: dict[str, Any], vault: str) -> Item | None:
    if one.get("trashed") is True:
        return None
    details, overview = _object(one.get("details")), _object(one.get("overview"))
    fields: list[tuple[str, object]] = [("password", details.get("password"))]
    for field in map(_object, _list(details.get("loginFields"))):
        label = _text(field.get("designation")) or _text(field.get("name"))
        if _text(field.get("fieldType")) not in {"B", "C", "I"}:  # buttons, boxes
            fields.append((label, field.get("value")))
    fields += [("url", overview.get("url")), ("notes", details.get("notesPlain"))]
    for section in map(_object, _list(details.get("sections"))):
        for field in map(_object, _list(section.get("fields"))):
            # {"concealed": "…"}, {"totp": "…"}; an object in it is an address or a file.
            for value in _object(field.get("value")).values():
                fields.append((_text(field.get("title")) or _text(field.get("id")), value))
    return entry([vault, _text(overview.get("title"))], fields)


def read_csv(data: bytes, source: str) -> list[Item]:
    """The rows. Raises ``Invalid``."""
    rows = csv.reader(io.StringIO(decoded(data, source), newline=""), strict=True)
    found: list[Item | None] = []
    wrong = False
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if "title" not in header or "password" not in header:
            raise broken(source, 1, "the columns Title and Password are expected")
        for row in rows:
            cells = dict(zip(header, row, strict=False))
            fields = [
                ("totp" if column == "otpauth" else column, cells.get(column))
                for column in _COLUMNS
            ]
            found.append(entry([cells.get("title")], fields))
    except csv.Error:
        wrong = True
    if wrong:
        raise broken(source, rows.line_num, "this is no CSV")
    return [one for one in found if one is not None]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Pairs) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value, Pairs) else []
