"""The ways in which a store goes wrong here."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count

from tests.peers.faults import Answer, Fault, FaultProxy, Latency, LostResponse, Reset, Silence
from tests.peers.messages import Message
from tests.peers.openbao_durable import Durable
from tests.peers.peer import Server

LATE = 0.25
"""Seconds that each answer of a slow store takes longer."""

SERVED = 5
"""Of so many requests a throttling store serves one."""

AWS, VAULT = "aws", "vault"


@dataclass(frozen=True)
class Stores:
    """The two stores, each on its own; neither knows of the other."""

    aws: Server
    vault: Durable


Outage = Callable[[], AbstractContextManager[None]]
"""The store is wrong for as long as the block runs."""


@dataclass(frozen=True)
class Scene:
    """A store that is about to go wrong.

    Attributes:
        address: where clients reach it.
        outage: what happens to it.
    """

    address: str
    outage: Outage


@dataclass(frozen=True)
class Kind:
    """A way to go wrong.

    Attributes:
        primary: the store that does; the other one is its replica.
        scene: for the time of one load.
        text: what is done, for people.
    """

    primary: str
    scene: Callable[[Stores], AbstractContextManager[Scene]]
    text: str


@contextmanager
def _proxied(
    stores: Stores, *faults: tuple[Fault, Callable[[Message], bool]]
) -> Iterator[Scene]:
    with FaultProxy(stores.aws.address) as proxy:

        @contextmanager
        def outage() -> Iterator[None]:
            for fault, when in faults:
                proxy.fail(fault, times=None, when=when)
            yield
            proxy.heal()

        yield Scene(proxy.address, outage)


def _always(request: Message) -> bool:
    return True


def _all_but_one_of(number: int) -> Callable[[Message], bool]:
    numbers = count()
    return lambda request: next(numbers) % number != 0


def _slow(stores: Stores) -> AbstractContextManager[Scene]:
    return _proxied(stores, (Latency(LATE), _always))


def _throttling(stores: Stores) -> AbstractContextManager[Scene]:
    # As AWS says it: https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
    body = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
    kind = (("Content-Type", "application/x-amz-json-1.1"),)
    return _proxied(stores, (Answer(400, body, kind), _all_but_one_of(SERVED)))


def _resetting(stores: Stores) -> AbstractContextManager[Scene]:
    # Every other request has been executed when its connection is reset.
    return _proxied(stores, (Reset(), _all_but_one_of(2)), (LostResponse(), _always))


def _black_holed(stores: Stores) -> AbstractContextManager[Scene]:
    return _proxied(stores, (Silence(), _always))


@contextmanager
def _stopped(stores: Stores) -> Iterator[Scene]:
    pid = stores.aws.pid
    assert pid is not None

    @contextmanager
    def outage() -> Iterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    yield Scene(stores.aws.address, outage)


@contextmanager
def _killed(stores: Stores) -> Iterator[Scene]:
    @contextmanager
    def outage() -> Iterator[None]:
        stores.vault.kill()
        try:
            yield
        finally:
            stores.vault.restart()

    yield Scene(stores.vault.address, outage)


KINDS: Mapping[str, Kind] = {
    "slow": Kind(AWS, _slow, f"each answer takes {LATE * 1e3:.0f} ms longer"),
    "throttling": Kind(AWS, _throttling, f"{SERVED - 1} of {SERVED} requests are refused"),
    "resetting": Kind(
        AWS, _resetting, "every connection is reset, every other one after the work was done"
    ),
    "black-holed": Kind(AWS, _black_holed, "connections are taken and nothing is answered"),
    "stopped": Kind(AWS, _stopped, "SIGSTOP; what waited for it is executed at the end"),
    "killed": Kind(VAULT, _killed, "SIGKILL; started again and unsealed at the end"),
}
