"""The shapes of Secret Manager's answers, as far as they are used here.

JSON as proto3 maps it: a field that has its default is left out, 64-bit numbers are texts,
bytes are base64 (``google/cloud/secretmanager/v1/{resources,service}.proto``). Structures that
hold a value show nothing of it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec

ENABLED: Final = "ENABLED"
_NUMBER = re.compile(r"[1-9][0-9]{0,18}\Z")


class Secret(msgspec.Struct, rename="camel"):
    """A secret without its values. ``version_aliases``: alias -> number, as text."""

    name: str
    etag: str = ""
    create_time: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    version_aliases: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The secret's id."""
        return self.name.rpartition("/")[2]


class SecretVersion(msgspec.Struct, rename="camel"):
    """A version without its value."""

    name: str
    create_time: datetime | None = None
    state: str = ""
    client_specified_payload_checksum: bool = False

    @property
    def number(self) -> int:
        """Its number; 0 if the answer makes no sense."""
        return number_of(self.name.rpartition("/")[2]) or 0


class Payload(msgspec.Struct):
    """A value; ``data_crc32c`` is its checksum in decimal, which versions of old may lack."""

    data: bytes = b""
    data_crc32c: str | None = msgspec.field(default=None, name="dataCrc32c")

    def __repr__(self) -> str:
        return "Payload()"


class Accessed(msgspec.Struct):
    """What ``access`` gives: the version's name and its value, and nothing else."""

    name: str
    payload: Payload

    @property
    def number(self) -> int:
        """The version's number; 0 if the answer makes no sense."""
        return number_of(self.name.rpartition("/")[2]) or 0

    def __repr__(self) -> str:
        return f"Accessed({self.name!r})"


class Secrets(msgspec.Struct, rename="camel"):
    """A page of secrets; ``next_page_token`` is ``""`` on the last one."""

    secrets: list[Secret] = []
    next_page_token: str = ""


class Versions(msgspec.Struct, rename="camel"):
    """A page of versions, newest first."""

    versions: list[SecretVersion] = []
    next_page_token: str = ""


class Nothing(msgspec.Struct):
    """What a deletion gives: ``{}``."""


def number_of(text: str) -> int | None:
    """A version's number; None if the text is none."""
    return int(text) if _NUMBER.match(text) else None


def encoded(fields: Any) -> bytes:
    """A request's JSON; bytes as base64. Raises nothing for what our own code gives."""
    return msgspec.json.encode(fields)
