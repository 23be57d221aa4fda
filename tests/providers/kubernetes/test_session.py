"""Every way to show who one is, to a server that checks it; and the ways to that server."""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skykeep.conformance.cases import refused
from skykeep.errors import ConfigError, Denied, Unauthenticated, Unavailable
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.credentials import Credential
from skykeep.providers.kubernetes.session import Session, open_session
from skykeep.providers.wire import Reply, Wire
from tests.peers.certificates import Authority, Issued
from tests.peers.faults import Answer, FaultProxy
from tests.peers.kube import RBAC, Kube
from tests.providers.kubernetes.opening import NOTHING, before, context, opened, settings
from tests.providers.wire.servers import Server, tunnel

pytestmark = pytest.mark.asyncio

EXEC = "client.authentication.k8s.io/v1"


class User(msgspec.Struct):
    username: str
    uid: str = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}


class Found(msgspec.Struct, rename="camel"):
    user_info: User


class Review(msgspec.Struct):
    status: Found


async def who(session: Session) -> User:
    """Who the server takes the session for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return (await session.call("POST", path, review, kind=Review)).status.user_info


async def who_is(kube: Kube, tmp_path: Path, user: dict[str, Any], **cluster: Any) -> User:
    """Who the user of a kubeconfig is."""
    config = kube.kubeconfig(tmp_path / "config", user=user, **cluster)
    session = open_session(settings(kubeconfig=str(config)), context())
    try:
        return await who(session)
    finally:
        await session.close()


def coded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


@pytest.fixture
def alice(kube: Kube) -> Issued:
    """A certificate of somebody whom the server knows by it."""
    return kube.authority.issue_client("alice", "dev", "system:masters")


async def test_a_token(kube: Kube, tmp_path: Path) -> None:
    assert (await who_is(kube, tmp_path, {"token": kube.token})).username == "admin"


async def test_a_token_file(kube: Kube, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{kube.token}\n")
    assert (await who_is(kube, tmp_path, {"tokenFile": "token"})).username == "admin"


@pytest.mark.parametrize("form", ["files", "data"])
async def test_a_certificate(kube: Kube, tmp_path: Path, alice: Issued, form: str) -> None:
    user = {"client-certificate": str(alice.certificate), "client-key": str(alice.key)}
    if form == "data":
        user = {
            "client-certificate-data": coded(alice.certificate),
            "client-key-data": coded(alice.key),
        }
    found = await who_is(kube, tmp_path, user)
    assert found.username == "alice"
    assert {"dev", "system:masters"} <= set(found.groups)


async def test_authorities_as_data(kube: Kube, tmp_path: Path) -> None:
    found = await who_is(
        kube, tmp_path, {"token": kube.token}, **{"certificate-authority-data": coded(kube.ca)}
    )
    assert found.username == "admin"


async def test_a_key_of_another_certificate(kube: Kube, tmp_path: Path, alice: Issued) -> None:
    user = {
        "client-certificate-data": coded(alice.certificate),
        "client-key-data": coded(kube.authority.issue_client("bob").key),
    }
    with pytest.raises(ConfigError, match="do not fit together") as caught:
        await who_is(kube, tmp_path, user)
    assert "PRIVATE" not in str(caught.value)


async def test_the_pod(kube: Kube, tmp_path: Path) -> None:
    namespace = kube.new_namespace()
    account = kube.account(namespace)
    environ = kube.mounted(tmp_path / "account", namespace, kube.token_of(account))
    session = open_session(
        settings(service_account=str(tmp_path / "account")),
        context({"HOME": str(tmp_path), **environ}),
    )
    assert session.access.namespace == namespace
    assert (await who(session)).username == account.user
    await session.close()


def plugin(tmp_path: Path, *statuses: dict[str, Any]) -> dict[str, Any]:
    """A user whose plugin gives one status after the other, the last one again and again."""
    for number, status in enumerate(statuses):
        content = {"apiVersion": EXEC, "kind": "ExecCredential", "status": status}
        (tmp_path / f"status{number}").write_text(json.dumps(content))
    program = tmp_path / "plugin.py"
    program.write_text(
        "import os, pathlib\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "begun = place / 'begun'\n"
        "number = len(begun.read_text()) if begun.exists() else 0\n"
        "begun.write_text('x' * (number + 1))\n"
        f"print((place / f'status{{min(number, {len(statuses) - 1})}}').read_text())\n"
    )
    command = tmp_path / "plugin"
    command.write_text(
        f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(program))}\n"
    )
    command.chmod(0o755)
    return {"exec": {"apiVersion": EXEC, "command": "./plugin", "interactiveMode": "Never"}}


async def test_a_plugin_with_a_token(kube: Kube, tmp_path: Path) -> None:
    assert (await who_is(kube, tmp_path, plugin(tmp_path, {"token": kube.token}))).username


async def test_a_plugin_with_certificates(kube: Kube, tmp_path: Path, alice: Issued) -> None:
    """Each is shown from then on; calls that are under way keep the one they began with."""

    def status(issued: Issued, ends: datetime) -> dict[str, Any]:
        return {
            "clientCertificateData": issued.certificate.read_text(),
            "clientKeyData": issued.key.read_text(),
            "expirationTimestamp": ends.isoformat(),
        }

    now = datetime.now(UTC)
    bob = kube.authority.issue_client("bob", "system:masters")
    user = plugin(tmp_path, status(alice, now), status(bob, now + timedelta(hours=1)))
    config = kube.kubeconfig(tmp_path / "config", user=user)
    session = open_session(settings(kubeconfig=str(config)), context())
    assert (await who(session)).username == "alice"
    assert (await who(session)).username == "bob"
    assert (await who(session)).username == "bob"
    assert (tmp_path / "begun").read_text() == "xx"
    await session.close()


async def test_a_call_under_way_keeps_its_certificate(
    kube: Kube, tmp_path: Path, alice: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are closed when it has ended, and not before."""
    bob = kube.authority.issue_client("bob")
    config = kube.kubeconfig(tmp_path / "config")
    session = open_session(settings(kubeconfig=str(config)), context())
    begun, go = asyncio.Event(), asyncio.Event()
    sent: list[Wire] = []
    closed: list[Wire] = []

    async def send(self: Wire, *arguments: object, **more: object) -> Reply:
        sent.append(self)
        begun.set()
        await go.wait()
        return Reply(200, {}, b"")

    async def close(self: Wire) -> None:
        closed.append(self)

    monkeypatch.setattr(Wire, "send", send)
    monkeypatch.setattr(Wire, "close", close)

    def shown(issued: Issued) -> None:
        session.credentials._read = Credential(
            None, issued.certificate.read_bytes(), issued.key.read_bytes()
        )

    shown(alice)
    first = asyncio.ensure_future(session.reply("GET", "/"))
    await begun.wait()
    del closed[:]  # the wire without a certificate
    begun.clear()
    shown(bob)
    second = asyncio.ensure_future(session.reply("GET", "/"))
    await begun.wait()
    assert sent[0] is not sent[1]
    assert not closed
    go.set()
    await asyncio.gather(first, second)
    assert closed == [sent[0]]
    await session.close()
    assert closed == sent


async def test_a_token_that_is_refused_is_got_anew_once(kube: Kube, tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "made-up"}, {"token": kube.token})
    assert (await who_is(kube, tmp_path, user)).username == "admin"
    assert (tmp_path / "begun").read_text() == "xx"


async def test_one_that_is_refused_twice_is_told(kube: Kube, tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "made-up-1"}, {"token": "made-up-2"})
    error = await refused(Unauthenticated, who_is(kube, tmp_path, user))
    assert (tmp_path / "begun").read_text() == "xx", "not again and again"
    assert "plugin ./plugin" in str(error)
    again = plugin(tmp_path, {"token": "made-up"})
    (tmp_path / "begun").unlink()
    error = await refused(Unauthenticated, who_is(kube, tmp_path, again))
    assert "plugin ./plugin" in str(error)
    assert "made-up" not in str(error)


async def test_a_token_that_was_rotated_in_its_file(kube: Kube, tmp_path: Path) -> None:
    namespace = kube.new_namespace()
    driver = await opened(kube, tmp_path, namespace)
    await driver.create("made", SecretValue("x"), NOTHING)
    file = tmp_path / "token"
    file.write_text(kube.short_token(kube.account(namespace), -60))
    driver._session.credentials._read = None  # a minute later
    with pytest.raises(Unauthenticated):
        await driver.get("made")
    file.write_text(kube.token)
    assert (await driver.get("made")).value == SecretValue("x"), "not held against the next"
    await driver.close()


async def test_nobody(kube: Kube, tmp_path: Path) -> None:
    error = await refused(Unauthenticated, who_is(kube, tmp_path, {"as-uid": None}))
    assert "no credentials" in str(error)


async def test_acting_as_another(kube: Kube, tmp_path: Path) -> None:
    user = {
        "token": kube.token,
        "as": "jane",
        "as-uid": "7",
        "as-groups": ["dev", "ops"],
        "as-user-extra": {"example.com/scope": ["a", "b"]},
    }
    # Nobody else may ask who they are: give that to all who are known.
    found = await who_is(kube, tmp_path, {**user, "as-groups": ["dev", "system:authenticated"]})
    assert (found.username, found.uid) == ("jane", "7")
    assert {"dev", "system:authenticated"} <= set(found.groups)
    assert found.extra == {"example.com/scope": ["a", "b"]}


async def test_acting_as_another_with_a_large_body(kube: Kube, tmp_path: Path) -> None:
    """The second of two groups comes through there too: it is the one that may."""
    namespace = kube.new_namespace()
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}
    account = kube.account(namespace, rule)
    bindings = f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings"
    binding = {
        "metadata": {"name": "of-a-group"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": account.name},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "ops"}],
    }
    kube.call("POST", bindings, binding)
    user = {"token": kube.token, "as": "jane", "as-groups": ["dev", "ops"]}
    config = kube.kubeconfig(tmp_path / "config", user=user, namespace=namespace)
    driver = await opened(
        kube, tmp_path, namespace, kubeconfig=str(config), token_file=None, endpoint=None
    )
    await driver.create("large", SecretValue(bytes(1024 * 1024)), NOTHING)
    await refused(Denied, driver.get("large"))
    await driver.close()


async def test_acting_as_another_without_leave(kube: Kube, tmp_path: Path) -> None:
    token = kube.service_account(kube.new_namespace())
    error = await refused(Denied, who_is(kube, tmp_path, {"token": token, "as": "jane"}))
    assert "may not act as another" in str(error)


async def test_after_a_fork(kube: Kube, tmp_path: Path) -> None:
    """Connections are left to the parent; the credential is good here too."""
    driver = await opened(kube, tmp_path, kube.new_namespace())
    await driver.create("a", SecretValue("x"), NOTHING)
    credential = await driver._session.credentials.credential()
    driver.after_fork()
    assert (await driver.get("a")).value == SecretValue("x")
    assert await driver._session.credentials.credential() is credential
    await driver.close()


# -- the way there


@pytest.fixture
def elsewhere(kube: Kube, authority: Authority) -> Iterator[FaultProxy]:
    """The server under an address that its certificate is not for."""
    named = authority.issue("kubernetes.default").server()
    trust = ssl.create_default_context(cafile=kube.ca)
    with FaultProxy(kube.address, tls=named, trust=trust) as proxy:
        yield proxy


async def test_a_certificate_for_another_name(
    kube: Kube, elsewhere: FaultProxy, authority: Authority, tmp_path: Path
) -> None:
    user = {"token": kube.token}
    place = {"server": elsewhere.address, "certificate-authority": str(authority.ca)}
    error = await refused(Unavailable, who_is(kube, tmp_path, user, **place))
    assert "another name" in str(error)
    assert not elsewhere.seen, "the token was not sent"
    named = {**place, "tls-server-name": "kubernetes.default"}
    assert (await who_is(kube, tmp_path, user, **named)).username == "admin"


async def test_a_certificate_of_nobody_we_trust(kube: Kube, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "another")
    place = {"certificate-authority": str(stranger.ca)}
    error = await refused(Unavailable, who_is(kube, tmp_path, {"token": kube.token}, **place))
    assert "authority" in str(error)


async def test_a_proxy_of_the_cluster(kube: Kube, tmp_path: Path) -> None:
    with Server(tunnel) as proxy:
        found = await who_is(
            kube,
            tmp_path,
            {"token": kube.token},
            **{"proxy-url": f"http://127.0.0.1:{proxy.port}"},
        )
        assert found.username == "admin"
        assert proxy.requests
        assert all(kube.token.encode() not in request for request in proxy.requests)


async def test_a_proxy_of_another_kind(kube: Kube, tmp_path: Path) -> None:
    place = {"proxy-url": "socks5://127.0.0.1:1"}
    with pytest.raises(ConfigError, match=r"proxy-url.*socks5"):
        await who_is(kube, tmp_path, {"token": kube.token}, **place)


async def test_no_redirect_is_followed(kube: Kube, tmp_path: Path) -> None:
    with before(kube) as proxy, before(kube) as trap:
        proxy.fail(Answer(307, b"", (("Location", f"{trap.address}/x"),)))
        error = await refused(
            Unavailable,
            who_is(kube, tmp_path, {"token": kube.token}, server=proxy.address),
        )
        assert "something else than an apiserver" in str(error)
        assert not trap.seen


async def test_an_address_with_a_path(kube: Kube, tmp_path: Path) -> None:
    """As of a gateway before many clusters."""
    with before(kube) as proxy:
        with pytest.raises(Unavailable, match="HTTP 404"):
            await who_is(
                kube,
                tmp_path,
                {"token": kube.token},
                server=f"{proxy.address}/k8s/clusters/c-1",
            )
        assert proxy.seen[0].request.head.startswith(b"POST /k8s/clusters/c-1/apis/")
