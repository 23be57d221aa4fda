"""Six stores for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.six_stores import SixStores, six_stores
from tests.peers.azure import KeyVaults
from tests.peers.certificates import Authority
from tests.peers.google import SecretManager
from tests.peers.kube import Kube
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server
from tests.providers.aws.opening import reset


@pytest.fixture
def stores(  # noqa: PLR0917  (each store is a fixture, by which its tests are counted)
    tmp_path: Path,
    moto_mended: Server,
    secret_manager: SecretManager,
    key_vault: KeyVaults,
    openbao: OpenBao,
    kube: Kube,
    authority: Authority,
) -> Iterator[SixStores]:
    reset(moto_mended.address)
    with six_stores(
        tmp_path,
        aws=moto_mended,
        gcp=secret_manager,
        azure=key_vault,
        vault=openbao,
        kube=kube,
        authority=authority,
    ) as found:
        yield found
