"""Exports of password managers, in the form that their documentation gives."""

from __future__ import annotations

import io
import json
import zipfile

KEEPASS = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<KeePassFile>
  <Meta>
    <Generator>KeePass</Generator>
    <RecycleBinEnabled>True</RecycleBinEnabled>
    <RecycleBinUUID>YmluYmluYmluYmluYmluYg==</RecycleBinUUID>
    <MemoryProtection><ProtectPassword>True</ProtectPassword></MemoryProtection>
  </Meta>
  <Root>
    <Group>
      <UUID>cm9vdHJvb3Ryb290cm9vdA==</UUID>
      <Name>Passwords</Name>
      <Group>
        <UUID>d2Vid2Vid2Vid2Vid2Vidw==</UUID>
        <Name>Web &amp; Mail</Name>
        <Entry>
          <UUID>ZW50cnllbnRyeWVudHJ5ZQ==</UUID>
          <String><Key>Notes</Key><Value>two
lines</Value></String>
          <String><Key>Password</Key><Value ProtectInMemory="True">p&lt;1&gt;é</Value></String>
          <String><Key>Title</Key><Value>My Site</Value></String>
          <String><Key>URL</Key><Value></Value></String>
          <String><Key>UserName</Key><Value>anna</Value></String>
          <String><Key>API key</Key><Value ProtectInMemory="True">k</Value></String>
          <AutoType><Enabled>True</Enabled></AutoType>
          <History>
            <Entry>
              <String><Key>Title</Key><Value>My Site</Value></String>
              <String><Key>Password</Key><Value ProtectInMemory="True">old</Value></String>
            </Entry>
          </History>
        </Entry>
        <Entry>
          <String><Key>Title</Key><Value>My Site</Value></String>
          <String><Key>Password</Key><Value ProtectInMemory="True">p2</Value></String>
        </Entry>
      </Group>
      <Group>
        <UUID>YmluYmluYmluYmluYmluYg==</UUID>
        <Name>Recycle Bin</Name>
        <Entry>
          <String><Key>Title</Key><Value>Gone</Value></String>
          <String><Key>Password</Key><Value ProtectInMemory="True">g</Value></String>
        </Entry>
      </Group>
      <Entry>
        <String><Key>Password</Key><Value ProtectInMemory="True">p3</Value></String>
      </Entry>
    </Group>
    <DeletedObjects />
  </Root>
</KeePassFile>
"""

BITWARDEN = json.dumps(
    {
        "encrypted": False,
        "folders": [{"id": "f1", "name": "Work/Servers"}],
        "items": [
            {
                "id": "i1",
                "organizationId": None,
                "folderId": "f1",
                "type": 1,
                "reprompt": 0,
                "name": "Gitlab",
                "notes": "first\nsecond",
                "favorite": False,
                "fields": [
                    {"name": "PIN", "value": "1234", "type": 1},
                    {"name": "", "value": "x", "type": 0},
                    {"name": "empty", "value": None, "type": 0},
                ],
                "login": {
                    "uris": [{"match": None, "uri": "https://gitlab.example.com"}],
                    "username": "anna",
                    "password": "p1",
                    "totp": None,
                },
                "collectionIds": None,
            },
            {
                "id": "i2",
                "folderId": None,
                "type": 2,
                "name": "A note",
                "notes": "n",
                "secureNote": {"type": 0},
            },
            {
                "id": "i3",
                "folderId": None,
                "type": 3,
                "name": "Card",
                "notes": None,
                "card": {"cardholderName": "Anna", "number": "4242", "code": "000"},
            },
            {"id": "i4", "folderId": None, "type": 1, "name": "Empty", "login": {}},
        ],
    }
)

ONE_PUX_DATA = {
    "accounts": [
        {
            "attrs": {
                "accountName": "Wendy",
                "uuid": "A",
                "domain": "https://my.1password.com/",
            },
            "vaults": [
                {
                    "attrs": {"uuid": "v", "name": "Personal", "type": "P"},
                    "items": [
                        {
                            "uuid": "i1",
                            "state": "active",
                            "categoryUuid": "001",
                            "details": {
                                "loginFields": [
                                    {
                                        "value": "wendy",
                                        "id": "",
                                        "name": "user",
                                        "fieldType": "T",
                                        "designation": "username",
                                    },
                                    {
                                        "value": "p1",
                                        "id": "",
                                        "name": "pw",
                                        "fieldType": "P",
                                        "designation": "password",
                                    },
                                    {"value": "✓", "id": "", "name": "keep", "fieldType": "C"},
                                ],
                                "notesPlain": "note",
                                "sections": [
                                    {
                                        "title": "Security",
                                        "name": "Section_x",
                                        "fields": [
                                            {
                                                "title": "PIN",
                                                "id": "x1",
                                                "value": {"concealed": "12345"},
                                            },
                                            {
                                                "title": "home",
                                                "id": "x2",
                                                "value": {"address": {"street": "s"}},
                                            },
                                        ],
                                    }
                                ],
                                "passwordHistory": [],
                            },
                            "overview": {
                                "title": "Dropbox",
                                "url": "https://www.dropbox.com/",
                                "tags": [],
                            },
                        },
                        {
                            "item": {
                                "uuid": "i2",
                                "trashed": False,
                                "categoryUuid": "005",
                                "details": {"password": "p2", "loginFields": []},
                                "overview": {"title": "Old form"},
                            }
                        },
                        {
                            "item": {
                                "uuid": "i3",
                                "trashed": True,
                                "details": {"password": "p3"},
                                "overview": {"title": "Gone"},
                            }
                        },
                    ],
                }
            ],
        }
    ]
}

ONE_PASSWORD_CSV = '''\
Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes
Forum,https://forum.example.org,snowfox,"three,""x""",otpauth://totp/x,false,false,,"a
b"
Forum,,,p2,,false,false,,
'''


def one_pux(member: str = "export.data", data: object = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.attributes", '{"version": 3}')
        archive.writestr(member, json.dumps(ONE_PUX_DATA if data is None else data))
    return file.getvalue()
