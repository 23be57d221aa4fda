from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.providers.memory.secrets import share
from tests.loading.four_places import Make, Places


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Make]:
    yield lambda stack: Places(tmp_path, stack)
    share(tmp_path.name, None)
