"""Drivers of Vault on a server that runs here, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from skykeep.errors import SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.vault.answers import Lookup
from skykeep.providers.vault.secrets import open_secrets
from skykeep.providers.vault.session import Session, open_session
from skykeep.providers.vault.settings import VaultSettings
from tests.peers.openbao import OpenBao


def settings(**keys: Any) -> VaultSettings:
    """Settings, checked as those of a file are."""
    return msgspec.convert({"backend": "vault", **keys}, VaultSettings)


def context(environ: dict[str, str]) -> OpenContext:
    """What a target is opened with."""
    return OpenContext("primary (vault)", environ, Path)


def session(environ: dict[str, str], **keys: Any) -> Session:
    """A session that has not logged in yet."""
    return open_session(settings(**keys), context(environ))


async def opened(
    server: OpenBao,
    mount: str,
    *,
    address: str | None = None,
    token: str | None = None,
    **keys: Any,
) -> SecretDriver:
    """A driver over a mount, with the root token unless another one is given."""
    environ = {"VAULT_TOKEN": server.token if token is None else token}
    if server.namespace:
        keys["namespace"] = server.namespace
    given = settings(address=address or server.address, mount=mount, **keys)
    return await open_secrets(given, context(environ))


async def who(made: Session) -> str:
    """The display name of the token that a session logs in with."""
    try:
        found = await made.call("GET", "auth/token/lookup-self", kind=Lookup)
        return found.data.path
    finally:
        await made.close()


async def refusal(made: Session, kind: type[SkykeepError], *hidden: str) -> SkykeepError:
    """Why it may not log in; says nothing of the credentials."""
    with pytest.raises(kind) as caught:
        await made.token()
    await made.close()
    for word in hidden:
        assert word not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    return caught.value
