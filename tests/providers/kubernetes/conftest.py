from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.faults import FaultProxy
from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import before


@pytest.fixture
def namespace(kube: Kube) -> str:
    """One that nobody else has."""
    return kube.new_namespace()


@pytest.fixture
def proxy(kube: Kube) -> Iterator[FaultProxy]:
    """Before the server, going wrong on demand."""
    with before(kube) as made:
        yield made
