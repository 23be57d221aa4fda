from __future__ import annotations

import pytest

from skykeep.interfaces import object_writing
from tests.interfaces.object_sinks import SMALL


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 64 bytes: a transfer of many costs nothing."""
    monkeypatch.setattr(object_writing, "PART", SMALL)
