"""Drivers of Google Secret Manager and Cloud KMS on a server that runs here, for tests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.kms.driver import CloudKms
from skykeep.providers.gcp.kms.errors import TITLE
from skykeep.providers.gcp.session import Session, address
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.writing import SecretManager
from skykeep.providers.wire import Wire, WireOptions
from tests.peers.google import PROJECT, TOKEN


class Tokens:
    """Credentials that have one token, and another one when that is refused."""

    def __init__(self, token: str = TOKEN, other: str = TOKEN) -> None:
        self.current = token
        self.other = other
        self.quota_project: str | None = None
        self.asked = 0

    async def token(self) -> str:
        return self.current

    async def another(self, refused: str, now: datetime | None = None) -> str:
        self.asked += 1
        assert refused == self.current
        self.current = self.other
        return self.current

    async def project(self) -> str | None:
        return PROJECT

    async def close(self) -> None:
        pass

    def after_fork(self) -> None:
        pass


def settings(**keys: Any) -> GcpSettings:
    """Settings, checked as those of a file are."""
    return msgspec.convert({"backend": "gcp", "project_id": PROJECT, **keys}, GcpSettings)


def context(environ: dict[str, str] | None = None) -> OpenContext:
    """What a target is opened with."""
    return OpenContext("primary (gcp)", environ or {}, Path)


def opened(endpoint: str, tokens: Tokens | None = None, **keys: Any) -> SecretManager:
    """A driver that talks to a server at the address."""
    given = settings(endpoint=endpoint, **keys)
    wire = Wire(
        address(given, {}),
        options=WireOptions.of(given),
        environ={},
        extra="gcp",
        name="primary (gcp)",
    )
    session = Session(wire, tokens or Tokens(), given.project, given.place)
    return SecretManager(session, given)


def opened_keys(
    endpoint: str, ring: str, tokens: Tokens | None = None, **keys: Any
) -> CloudKms:
    """A driver of the keys in a ring, at the address."""
    given = settings(keys_endpoint=endpoint, key_ring=ring, **keys)
    wire = Wire(
        endpoint,
        options=WireOptions.of(given),
        environ={},
        extra="gcp",
        name="primary (gcp)",
    )
    return CloudKms(Session(wire, tokens or Tokens(), given.project, title=TITLE), given)
