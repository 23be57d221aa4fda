"""Nothing is lost and nothing is wrong, however a store fails: 5 s each.

``make faults`` does it for a minute each.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outage.faults import WRITES, bad, run
from tests.outage.kinds import KINDS, Stores
from tests.peers.openbao_durable import Durable
from tests.peers.peer import Server

SECONDS = 5.0


@pytest.mark.slow
@pytest.mark.parametrize("writes", WRITES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_outage(
    kind: str, writes: str, moto_mended: Server, openbao_durable: Durable, tmp_path: Path
) -> None:
    stores = Stores(moto_mended, openbao_durable)
    found = run(KINDS[kind], stores, writes, SECONDS, tmp_path / f"{kind}-{writes}")
    assert not bad(found)
    # It was an outage, and it was lived through.
    assert found.replica + found.stale
    if writes == "failover":
        assert found.written
    elif kind not in {"slow", "throttling"}:
        assert not found.written
        assert found.unwritten + found.doubtful
