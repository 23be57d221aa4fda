from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_shield.models.embedder import Embedder
from llm_shield.models.encoder import Encoder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.packaged()


@pytest.fixture(scope="session")
def embedder() -> Iterator[Embedder]:
    """One for all tests: each of them has a loop of its own."""
    made = Embedder()
    yield made
    made.close()
