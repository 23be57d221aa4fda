"""Kubernetes's own client against the API server, and what tests can set up in it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import kubernetes.watch
import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader

from tests.peers import places
from tests.peers.certificates import Authority, Issued
from tests.peers.clients import kubernetes_client
from tests.peers.kube import Kube, Refused
from tests.peers.peer import KUBE
from tests.peers.tokens import Issuer

READ = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
SIZE = 1_048_576
"""Bytes that a Secret may hold (Kubernetes documentation, "Secrets", size limit)."""


def secret(name: str, value: bytes = b"x", **more: Any) -> dict[str, Any]:
    data = {"value": base64.b64encode(value).decode("ascii")}
    return {"metadata": {"name": name}, "data": data, **more}


def secrets_of(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def test_the_official_client_writes_and_reads_a_secret(kube: Kube) -> None:
    space = kube.new_namespace()
    with kubernetes_client(kube) as api:
        core: Any = kubernetes.client.CoreV1Api(api)
        made = core.create_namespaced_secret(space, secret("db", b"one"))
        found = core.read_namespaced_secret("db", space)
    assert found.data == {"value": "b25l"}
    assert found.type == "Opaque"
    assert found.metadata.uid == made.metadata.uid


def test_a_stale_resource_version_is_a_conflict(kube: Kube) -> None:
    place = secrets_of(kube.new_namespace())
    made = kube.call("POST", place, secret("db"))
    kube.call("PUT", f"{place}/db", {**secret("db", b"two"), "metadata": made["metadata"]})
    with pytest.raises(Refused, match="409 Conflict") as refused:
        kube.call("PUT", f"{place}/db", {**secret("db"), "metadata": made["metadata"]})
    assert refused.value.reason == "Conflict"
    stale = {"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    assert kube.ask("DELETE", f"{place}/db", stale)[0] == 409
    assert kube.ask("POST", place, secret("db"))[1]["reason"] == "AlreadyExists"


def test_an_immutable_secret_stays_as_it_is(kube: Kube) -> None:
    place = secrets_of(kube.new_namespace())
    kube.call("POST", place, secret("db", immutable=True))
    with pytest.raises(Refused, match=r"422 Invalid.*immutable"):
        kube.call("PUT", f"{place}/db", secret("db", b"two", immutable=True))


def test_a_secret_that_is_too_large_is_invalid(kube: Kube) -> None:
    place = secrets_of(kube.new_namespace())
    kube.call("POST", place, secret("largest", bytes(SIZE)))
    with pytest.raises(Refused, match="422 Invalid"):
        kube.call("POST", place, secret("larger", bytes(SIZE + 1)))


def test_changes_can_be_watched(kube: Kube) -> None:
    space = kube.new_namespace()
    listed = kube.call("GET", secrets_of(space))["metadata"]["resourceVersion"]
    kube.call("POST", secrets_of(space), secret("db"))
    kube.call("DELETE", f"{secrets_of(space)}/db")
    with kubernetes_client(kube) as api:
        core: Any = kubernetes.client.CoreV1Api(api)
        watch = kubernetes.watch.Watch()
        seen = []
        for event in watch.stream(
            core.list_namespaced_secret, space, resource_version=listed, timeout_seconds=60
        ):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 2:
                watch.stop()
    assert seen == [("ADDED", "db"), ("DELETED", "db")]


def test_lists_come_in_pages(kube: Kube) -> None:
    place = secrets_of(kube.new_namespace())
    for name in "abc":
        kube.call("POST", place, secret(name))
    page = kube.call("GET", f"{place}?limit=2")
    rest = kube.call("GET", f"{place}?limit=2&continue={page['metadata']['continue']}")
    names = [each["metadata"]["name"] for each in [*page["items"], *rest["items"]]]
    assert names == ["a", "b", "c"]


def test_an_account_does_what_its_rules_allow(kube: Kube) -> None:
    space, other = kube.new_namespace(), kube.new_namespace()
    token = kube.service_account(space, READ)
    assert kube.ask("GET", secrets_of(space), token=token)[0] == 200
    assert kube.ask("GET", secrets_of(other), token=token)[0] == 403
    status, answer = kube.ask("POST", secrets_of(space), secret("db"), token=token)
    assert (status, answer["reason"]) == (403, "Forbidden")
    everywhere = kube.account(space, everywhere=[READ])
    assert kube.ask("GET", secrets_of(other), token=kube.token_of(everywhere))[0] == 200


def test_an_account_can_ask_who_it_is_and_what_it_may_do(kube: Kube) -> None:
    space = kube.new_namespace()
    account = kube.account(space, READ)
    token = kube.token_of(account)
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    found = kube.call("POST", review, {}, token=token)["status"]["userInfo"]
    assert found["username"] == account.user
    assert f"system:serviceaccounts:{space}" in found["groups"]
    access = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for verb, allowed in (("get", True), ("delete", False)):
        asked = {"namespace": space, "verb": verb, "resource": "secrets"}
        answer = kube.call("POST", access, {"spec": {"resourceAttributes": asked}}, token=token)
        assert answer["status"]["allowed"] is allowed


def test_tokens_have_an_end(kube: Kube) -> None:
    account = kube.account(kube.new_namespace(), READ)
    place = secrets_of(account.namespace)
    assert kube.ask("GET", place, token=kube.short_token(account, 60))[0] == 200
    assert kube.ask("GET", place, token=kube.short_token(account, -60))[0] == 401
    elsewhere = kube.token_of(account, 600, "another-audience")
    assert kube.ask("GET", place, token=elsewhere)[0] == 401
    stranger = Issuer("https://kubernetes.default.svc").token(account.user, "x")
    assert kube.ask("GET", place, token=stranger)[0] == 401
    assert kube.ask("GET", place, token="")[0] == 403


def test_certificates_of_clients_are_checked(kube: Kube, tmp_path: Path) -> None:
    def user_of(issued: Issued) -> str:
        user = {"client-certificate": str(issued.certificate), "client-key": str(issued.key)}
        file = kube.kubeconfig(tmp_path / "config", user=user)
        with kubernetes.config.new_client_from_config(str(file)) as api:
            reviews: Any = kubernetes.client.AuthenticationV1Api(api)
            review = reviews.create_self_subject_review(body={})
            return str(review.status.user_info.username)

    stranger = Authority(tmp_path / "stranger")
    ended = datetime.now(UTC) - timedelta(days=1)
    assert user_of(kube.authority.issue_client("alice", "system:masters")) == "alice"
    for wrong in (
        kube.authority.issue_client("alice", "system:masters", ends=ended),
        stranger.issue_client("alice", "system:masters"),
    ):
        with pytest.raises(ApiException, match="Unauthorized"):
            user_of(wrong)


def test_a_quota_is_counted(kube: Kube) -> None:
    space = kube.new_namespace()
    kube.quota(space, 1)
    kube.call("POST", secrets_of(space), secret("a"))
    with pytest.raises(Refused, match=r"403 Forbidden.*exceeded quota"):
        kube.call("POST", secrets_of(space), secret("b"))


def test_a_namespace_that_is_going_takes_nothing_more(kube: Kube) -> None:
    space = kube.new_namespace()
    kube.call("DELETE", f"/api/v1/namespaces/{space}")
    with pytest.raises(Refused, match=r"403 Forbidden.*being terminated"):
        kube.call("POST", secrets_of(space), secret("a"))
    with pytest.raises(Refused, match="404 NotFound"):
        kube.call("POST", secrets_of("none"), secret("a"))


def test_the_official_client_reads_our_kubeconfig(kube: Kube, tmp_path: Path) -> None:
    file = kube.kubeconfig(tmp_path / "config", namespace="default")
    with kubernetes.config.new_client_from_config(str(file)) as api:
        core: Any = kubernetes.client.CoreV1Api(api)
        assert core.list_namespaced_secret("default").items == []


def test_the_official_client_finds_what_a_pod_has(kube: Kube, tmp_path: Path) -> None:
    space = kube.new_namespace()
    account = kube.account(space, READ)
    environ = kube.mounted(tmp_path, space, kube.token_of(account))
    configuration = kubernetes.client.Configuration()
    InClusterConfigLoader(
        token_filename=str(tmp_path / "token"),
        cert_filename=str(tmp_path / "ca.crt"),
        environ=environ,
    ).load_and_set(configuration)
    with kubernetes.client.ApiClient(configuration) as api:
        core: Any = kubernetes.client.CoreV1Api(api)
        assert core.list_namespaced_secret(space).items == []
        with pytest.raises(ApiException, match="Forbidden"):
            core.list_namespaced_secret("default")


def test_it_is_the_version_that_was_asked_for(kube: Kube) -> None:
    found = kube.call("GET", "/version")["gitVersion"]
    assert found == places.required_version(KUBE) == f"v{places.version(KUBE)}"


def test_secrets_of_the_set_up_show_nowhere(kube: Kube) -> None:
    assert kube.token not in repr(kube)
    assert "PRIVATE KEY" not in repr(kube)
