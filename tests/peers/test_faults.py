"""The fault proxy does each fault, and says truly what the server has seen."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.peers.certificates import Authority
from tests.peers.fakes.serving import Fake, Reply, Request
from tests.peers.faults import (
    Answer,
    Dropped,
    Fault,
    FaultProxy,
    Latency,
    LostResponse,
    Reset,
    Silence,
    Truncated,
)

BODY = bytes(range(256)) * 400


class Echo(Fake):
    """Gives back what it gets."""

    def answer(self, request: Request) -> Reply:
        return Reply(200, request.body, {"X-Method": request.method})


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as running:
        yield running


@pytest.fixture
def proxy(server: Echo) -> Iterator[FaultProxy]:
    with FaultProxy(server.address) as running:
        yield running


def connect(address: str, timeout: float = 60.0) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def ask(address: str, body: bytes = BODY, path: str = "/") -> bytes:
    connection = connect(address)
    try:
        connection.request("POST", path, body)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_without_a_fault_everything_passes_on_one_connection(
    server: Echo, proxy: FaultProxy
) -> None:
    connection = connect(proxy.address)
    for number in range(3):
        body = BODY + bytes([number])
        connection.request("POST", f"/p%2Fq?n={number}", body, {"X-Casing": "Kept"})
        assert connection.getresponse().read() == body
    connection.close()
    assert [seen.request.target for seen in proxy.seen] == [f"/p%2Fq?n={n}" for n in range(3)]
    assert b"X-Casing: Kept\r\n" in proxy.seen[0].request.head
    assert len(server.asked) == 3


def test_chunks_pass(server: Echo, proxy: FaultProxy) -> None:
    connection = connect(proxy.address)
    connection.request("POST", "/", iter([b"one", b"two"]), encode_chunked=True)
    connection.getresponse().read()
    connection.close()
    assert proxy.seen[0].request.body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("fault", "raised", "reached"),
    [
        (Reset(), ConnectionResetError, False),
        (Dropped(), http.client.RemoteDisconnected, False),
        (LostResponse(), ConnectionResetError, True),
        (Truncated(), http.client.IncompleteRead, True),
    ],
)
def test_a_fault_that_ends_the_connection(
    server: Echo, proxy: FaultProxy, fault: Fault, raised: type[Exception], reached: bool
) -> None:
    proxy.fail(fault)
    with pytest.raises(raised):
        ask(proxy.address)
    assert len(server.asked) == reached
    assert ask(proxy.address) == BODY  # it was asked for once
    assert [seen.fault for seen in proxy.seen] == [fault, None]


def test_half_of_a_truncated_body_arrives(proxy: FaultProxy) -> None:
    proxy.fail(Truncated())
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(proxy.address)
    assert cut.value.partial == BODY[: len(BODY) // 2]


def test_silence_outlasts_a_client(server: Echo, proxy: FaultProxy) -> None:
    proxy.fail(Silence())
    connection = connect(proxy.address, timeout=0.2)
    connection.request("POST", "/", BODY)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert server.asked == []


def test_a_delayed_request_does_not_hold_up_others(server: Echo, proxy: FaultProxy) -> None:
    proxy.fail(Latency(3600), when=lambda request: request.target == "/slow")
    connection = connect(proxy.address)
    connection.request("POST", "/slow", BODY)
    assert ask(proxy.address, path="/quick") == BODY
    assert [request.path for request in server.asked] == ["/quick"]
    connection.close()


def test_a_delayed_request_gets_its_answer(proxy: FaultProxy) -> None:
    proxy.fail(Latency(0.01))
    assert ask(proxy.address) == BODY


def test_another_answer_is_given_on_a_connection_that_lives(
    server: Echo, proxy: FaultProxy
) -> None:
    proxy.fail(Answer(429, b"slow down", (("Retry-After", "7"),)), times=2)
    connection = connect(proxy.address)
    for status in (429, 429, 200):
        connection.request("POST", "/", BODY)
        reply = connection.getresponse()
        content = reply.read()
        assert (reply.status, content) == (status, b"slow down" if status == 429 else BODY)
        assert reply.getheader("Retry-After") == ("7" if status == 429 else None)
    connection.close()
    assert len(server.asked) == 1


def test_a_rule_without_number_lasts_until_it_is_healed(proxy: FaultProxy) -> None:
    proxy.fail(Reset(), times=None)
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            ask(proxy.address)
    proxy.heal()
    assert ask(proxy.address) == BODY


def test_many_connections_at_once(proxy: FaultProxy) -> None:
    proxy.fail(Latency(0.01), times=None)
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(proxy.address))) for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [BODY] * 64


def test_it_stands_behind_tls(server: Echo, authority: Authority) -> None:
    issued = authority.issue()
    context = ssl.create_default_context(cafile=authority.ca)
    with FaultProxy(server.address, tls=issued.server()) as proxy:
        parts = urlsplit(proxy.address)
        assert parts.hostname is not None

        def once() -> bytes:
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, context=context, timeout=60
            )
            try:
                connection.request("POST", "/", BODY)
                return connection.getresponse().read()
            finally:
                connection.close()

        assert once() == BODY
        proxy.fail(LostResponse())
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            once()
        assert len(server.asked) == 2


def test_it_ends_with_clients_still_connected(server: Echo) -> None:
    with FaultProxy(server.address) as proxy:
        met = threading.Event()

        def this_one(request: object) -> bool:
            met.set()
            return True

        proxy.fail(Silence(), when=this_one)
        waiting = connect(proxy.address)
        waiting.request("POST", "/", BODY)
        assert met.wait(30), "the next request must not meet the fault in its place"
        idle = socket.create_connection(proxy._listener.getsockname())
        ask(proxy.address)  # both are known to the proxy by now
    assert idle.recv(1) == b""
    waiting.close()
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        ask(proxy.address)
