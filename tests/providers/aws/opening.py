"""Drivers of AWS on a server that runs here, for tests."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.secrets import open_secrets
from skykeep.providers.aws.settings import AwsSettings
from tests.peers.aws import ACCESS_KEY, REGION, SECRET_KEY

ENVIRON = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


def settings(**keys: Any) -> AwsSettings:
    """Settings, checked as those of a file are."""
    given = {"backend": "aws", "region": REGION, **keys}
    return msgspec.convert(given, AwsSettings)


def context(environ: dict[str, str] | None = None) -> OpenContext:
    """What a target is opened with."""
    return OpenContext("primary (aws)", ENVIRON if environ is None else environ, Path)


async def opened(address: str, **keys: Any) -> SecretDriver:
    """A driver that talks to a server at the address."""
    return await open_secrets(settings(endpoint=address, **keys), context())


def reset(address: str) -> None:
    """Let moto forget everything."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
