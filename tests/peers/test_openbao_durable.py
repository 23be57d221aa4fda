"""The OpenBao that can be killed keeps what it has acknowledged."""

from __future__ import annotations

import pytest

from tests.peers.openbao_durable import Durable


def test_what_was_acknowledged_is_there_after_a_kill(openbao_durable: Durable) -> None:
    vault = openbao_durable.vault
    mount = vault.kv(2)
    first = openbao_durable.pid
    for number in range(3):
        vault.call("POST", f"{mount}/data/a", {"data": {"n": number}})
        openbao_durable.kill()
        with pytest.raises(ConnectionRefusedError):
            vault.ask("GET", f"{mount}/data/a")
        openbao_durable.restart()
        assert vault.call("GET", f"{mount}/data/a")["data"]["data"] == {"n": number}
    assert openbao_durable.pid != first
    assert vault.address == openbao_durable.address
