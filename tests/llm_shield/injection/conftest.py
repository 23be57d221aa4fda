from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_shield.models.embedder import Embedder
from tests.llm_shield.injection.scanning import Scanning
from tests.llm_shield.models.rig import Letters, embedder_on


@pytest.fixture(scope="session")
def real() -> Iterator[Scanning]:
    """The scanner on the packaged encoder."""
    embedder = Embedder()
    yield Scanning(embedder)
    embedder.close()


@pytest.fixture
def letters() -> Iterator[tuple[Scanning, Letters]]:
    """The scanner on an encoder that costs nothing and counts."""
    encoder = Letters()
    embedder = embedder_on(encoder)
    yield Scanning(embedder), encoder
    embedder.close()
