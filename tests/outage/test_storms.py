"""Many who ask together: one call for one question, and no storm for a store that throttles."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from skykeep import Cloud
from skykeep.errors import Throttled
from skykeep.layers.retry import EARNED, PAID, SAVED
from skykeep.providers.vault.settings import VaultSettings
from skykeep.settings.model import CacheSettings, Environment
from tests.peers.faults import Answer, FaultProxy, Latency
from tests.peers.messages import Message
from tests.peers.openbao import OpenBao

CLIENTS = 500
SECRETS = 3
"""That each client reads when it starts, one after the other."""

RATE = 120
"""Requests a second that the store answers, to all of them together."""


class Limit:
    """A rate limit: says of each request whether it is too much. For the threads of a proxy."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._tokens, self._at = rate, time.monotonic()

    def __call__(self, request: Message) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                return True
            self._tokens -= 1
            return False


def environment(address: str, mount: str, *, cached: bool) -> Environment:
    """One target: a mount of KV 2."""
    settings = {"backend": "vault", "address": address, "mount": mount, "kv": 2}
    cache = CacheSettings() if cached else CacheSettings(ttl_seconds=0)
    return Environment(primary=msgspec.convert(settings, VaultSettings), cache=cache)


@pytest.mark.asyncio
async def test_a_thousand_concurrent_misses_make_one_call(openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    environ = {"VAULT_TOKEN": openbao.token}
    with FaultProxy(openbao.address) as proxy:
        async with Cloud(
            environment(proxy.address, mount, cached=True), environ=environ
        ) as cloud:
            await cloud.secrets.put("db/password", "one")
            proxy.seen.clear()
            proxy.fail(Latency(0.05))  # long enough for all of them to ask
            found = await asyncio.gather(
                *(cloud.secrets.get("db/password") for _ in range(1000))
            )
            assert {each.value.text() for each in found} == {"one"}
            assert [each.request.method for each in proxy.seen] == ["GET"]
            # And then none.
            await asyncio.gather(*(cloud.secrets.get("db/password") for _ in range(1000)))
            assert len(proxy.seen) == 1


@pytest.mark.slow
@pytest.mark.asyncio
async def test_five_hundred_cold_clients_do_not_storm_a_store_that_throttles(
    openbao: OpenBao, record_property: Callable[[str, object], None]
) -> None:
    """Each is a process's worth: a cloud of its own, with connections and a budget of its own.

    The store does not say when to come again (with ``Retry-After`` there would be less). Each
    client has ten retries saved and earns a tenth with each success. Without a budget each
    call that is refused would be sent three times.
    """
    mount = openbao.kv(2)
    environ = {"VAULT_TOKEN": openbao.token}
    settings = environment(openbao.address, mount, cached=False)
    async with Cloud(settings, environ=environ) as cloud:
        for number in range(SECRETS):
            await cloud.secrets.put(f"n/{number}", f"v{number}")
    asked = 0

    async def client(address: str, number: int) -> list[str]:
        nonlocal asked
        dice = random.Random(number)
        found: list[str] = []
        own = environment(address, mount, cached=True)
        async with Cloud(own, environ=environ) as cloud:
            while len(found) < SECRETS:
                asked += 1
                try:
                    secret = await cloud.secrets.get(f"n/{len(found)}")
                except Throttled:
                    await asyncio.sleep(
                        0.6 * dice.random()
                    )  # as one that is started again does
                else:
                    found.append(secret.value.text())
        return found

    with FaultProxy(openbao.address) as proxy:
        proxy.fail(Answer(429, b'{"errors": ["quota"]}'), times=None, when=Limit(RATE))
        all_of_them = await asyncio.gather(
            *(client(proxy.address, number) for number in range(CLIENTS))
        )
        sent = len(proxy.seen)
        refused = sum(each.fault is not None for each in proxy.seen)
    assert all(each == [f"v{n}" for n in range(SECRETS)] for each in all_of_them)
    said = f"{sent:,} calls sent / {asked:,} asked = {sent / asked:.2f}; {refused:,} throttled"
    record_property("storm", said)
    print(f"{CLIENTS} cold clients: {said}")  # noqa: T201  (the figure, with -s)
    assert refused > CLIENTS  # or nothing was tried here
    assert sent <= asked + CLIENTS * (SAVED + SECRETS * EARNED) / PAID
    assert sent <= 1.2 * asked + CLIENTS * SAVED / PAID
