from __future__ import annotations

import json

import pytest

from skykeep.dialects import pass_entry, table
from skykeep.dialects.naming import named
from skykeep.errors import Invalid
from tests.dialects import foreign


def values(dialect: str, data: str | bytes) -> dict[str, str]:
    data = data.encode() if isinstance(data, str) else data
    return {one.name: one.value.text() for one in named(table.read(dialect, data, "file"))}


def test_keepass() -> None:
    """Without history and recycle bin; two entries of one title are two."""
    assert values("keepass", foreign.KEEPASS) == {
        "Web-Mail/My-Site/notes": "two\nlines",
        "Web-Mail/My-Site/password": "p<1>é",
        "Web-Mail/My-Site/username": "anna",
        "Web-Mail/My-Site/API-key": "k",
        "Web-Mail/My-Site-2/password": "p2",
        "unnamed/password": "p3",
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            ("<KeePassFile>", "<!DOCTYPE x [<!ENTITY a 'b'>]><KeePassFile>"),
            "2: a document type",
        ),
        (('ProtectInMemory="True"', 'Protected="True"'), "values are encrypted"),
        (("</Root>", ""), "not XML"),
        (("KeePassFile>", "Other>"), "KeePassFile is expected"),
        (('encoding="utf-8"', 'encoding="none"'), "encoding is unknown"),
    ],
)
def test_keepass_that_is_refused(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as error:
        values("keepass", foreign.KEEPASS.replace(*change))
    assert error.value.__context__ is None


def test_bitwarden() -> None:
    assert values("bitwarden", foreign.BITWARDEN) == {
        "Work/Servers/Gitlab/password": "p1",
        "Work/Servers/Gitlab/username": "anna",
        "Work/Servers/Gitlab/url": "https://gitlab.example.com",
        "Work/Servers/Gitlab/notes": "first\nsecond",
        "Work/Servers/Gitlab/PIN": "1234",
        "Work/Servers/Gitlab/field": "x",
        "A-note/notes": "n",
        "Card/cardholderName": "Anna",
        "Card/number": "4242",
        "Card/code": "000",
    }


def test_bitwarden_of_an_organisation() -> None:
    export = {
        "encrypted": False,
        "collections": [{"id": "c", "organizationId": "o", "name": "Ops"}],
        "items": [{"type": 1, "name": "A", "collectionIds": ["c"], "login": {"password": "p"}}],
    }
    assert values("bitwarden", json.dumps(export)) == {"Ops/A/password": "p"}


def test_bitwarden_that_is_refused() -> None:
    with pytest.raises(Invalid, match="encrypted export"):
        values("bitwarden", '{"encrypted": true, "data": "x"}')
    with pytest.raises(Invalid, match="no items"):
        values("bitwarden", "[]")


def test_1pux() -> None:
    """Without what is in the trash; older exports wrap the items."""
    assert values("1pux", foreign.one_pux()) == {
        "Personal/Dropbox/username": "wendy",
        "Personal/Dropbox/password": "p1",
        "Personal/Dropbox/url": "https://www.dropbox.com/",
        "Personal/Dropbox/notes": "note",
        "Personal/Dropbox/PIN": "12345",
        "Personal/Old-form/password": "p2",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no archive", "no ZIP archive"),
        (foreign.one_pux("other"), "no ZIP archive with export.data"),
        (foreign.one_pux()[:-30], "no ZIP archive"),
        (foreign.one_pux(data={}), "no accounts"),
    ],
)
def test_1pux_that_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as error:
        values("1pux", data)
    assert error.value.__context__ is None


def test_1password_csv() -> None:
    assert values("1password-csv", foreign.ONE_PASSWORD_CSV) == {
        "Forum/password": 'three,"x"',
        "Forum/username": "snowfox",
        "Forum/totp": "otpauth://totp/x",
        "Forum/url": "https://forum.example.org",
        "Forum/notes": "a\nb",
        "Forum-2/password": "p2",
    }
    with pytest.raises(Invalid, match="columns Title and Password"):
        values("1password-csv", "a,b\n")
    with pytest.raises(Invalid, match="no CSV"):
        values("1password-csv", 'Title,Password\na,"b"c\n')


def test_an_entry_of_pass() -> None:
    item = pass_entry.item(("web", "site"), b"p\xff\nurl: x\n")
    assert [(label, value.reveal()) for label, value in item.fields] == [
        ("", b"p\xff"),
        ("notes", b"url: x\n"),
    ]
    assert [label for label, _ in pass_entry.item(("a",), b"p\n").fields] == [""]
