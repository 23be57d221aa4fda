"""Drivers of Cloud Storage on a server that runs here, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skykeep.providers.gcp.storage.bucket import MAX_WRITE
from skykeep.providers.gcp.storage.client import Client
from skykeep.providers.gcp.storage.driver import CloudStorage
from skykeep.providers.gcp.storage.opening import address_of
from skykeep.providers.wire import Wire, WireOptions
from tests.peers.fakes.cloud_storage import TOKEN
from tests.providers.gcp.google_home import ACCOUNT, key
from tests.providers.gcp.opening import Tokens, settings


class Signing(Tokens):
    """Credentials of the fake, of a service account whose key is here."""

    def __init__(self, token: str = TOKEN, other: str = TOKEN) -> None:
        super().__init__(token, other)

    async def signer(self) -> str:
        return ACCOUNT

    async def sign(self, data: bytes) -> bytes:
        return signature(data)


def signature(data: bytes) -> bytes:
    """RSA with SHA-256 by the key of the tests."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    return key().sign(data, PKCS1v15(), hashes.SHA256())


def opened(
    endpoint: str, bucket: str, tokens: Signing | None = None, **keys: Any
) -> CloudStorage:
    """A driver that talks to a server at the address."""
    given = settings(objects_endpoint=endpoint, bucket=bucket, **keys)
    wire = Wire(
        address_of(given, {})[0],
        options=replace(WireOptions.of(given), max_reply_bytes=MAX_WRITE, decompress=False),
        environ={},
        extra="gcp",
        name="primary (gcp)",
    )
    return CloudStorage(given, Client(wire, tokens or Signing()))
