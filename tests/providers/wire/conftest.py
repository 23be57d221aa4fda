from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from skykeep.providers.wire import Wire, WireOptions
from skykeep.settings.remote import TlsSettings
from tests.providers.wire.servers import Authority

Open = Callable[..., AbstractAsyncContextManager[Wire]]


@pytest.fixture
def opened() -> Open:
    """A wire to an address, closed at the end; keywords are options or settings of TLS."""

    @asynccontextmanager
    async def opened(
        endpoint: str, environ: dict[str, str] | None = None, **given: Any
    ) -> AsyncIterator[Wire]:
        tls = {key: given.pop(key) for key in TlsSettings.__struct_fields__ if key in given}
        options = WireOptions(tls=TlsSettings(**tls), **given)
        wire = Wire(
            endpoint, options=options, environ=environ or {}, extra="vault", name="the target"
        )
        try:
            yield wire
        finally:
            await wire.close()

    return opened


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="session")
def localhost(authority: Authority) -> Path:
    """A valid certificate and its key."""
    return authority.certificate()
