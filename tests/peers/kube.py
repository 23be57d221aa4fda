"""A real API server of Kubernetes and its etcd, and what tests set up in it.

It is kube-apiserver itself, built with an etcd in the same process (``kube_apiserver/``,
`building`). RBAC is on, certificates are checked, anonymous requests may only ask whether it
is well. Nothing else of a cluster runs: no controllers, no nodes. So a namespace that is
deleted stays, terminating; nothing is collected as garbage; quotas are counted, but their
status has to be set once (`Kube.quota`); a new namespace has no ``default`` account.

Facts: Kubernetes API reference (TokenRequest, SelfSubjectReview, Role, RoleBinding,
ResourceQuota), the command line reference of kube-apiserver 1.36.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.certificates import Authority
from tests.peers.peer import KUBE, Server
from tests.peers.starting import started
from tests.peers.tokens import Issuer

Body = dict[str, Any]
Rule = Mapping[str, Sequence[str]]
"""``apiGroups``, ``resources``, ``verbs``, ``resourceNames``, as in a Role."""

ISSUER = "https://kubernetes.default.svc"
"""Of the tokens of service accounts, and their audience."""
RBAC = "rbac.authorization.k8s.io"
PATIENCE = 60.0
SHORTEST = 600
"""Seconds for which the API server issues a token at least (TokenRequestSpec)."""


class Refused(Exception):
    """The server answered with another status than 2xx: its Status object."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"{status} {body.get('reason')}: {body.get('message')}")
        self.status = status
        self.body = body

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))


@dataclass(frozen=True)
class Account:
    """A service account."""

    namespace: str
    name: str
    uid: str

    @property
    def user(self) -> str:
        """As the server names it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def fresh(stem: str) -> str:
    """A name that nothing else has."""
    return f"{stem}-{secrets.token_hex(6)}"


@dataclass
class Kube:
    """One that answers at ``address``, with a certificate of ``authority``.

    ``token`` is the administrator's; ``issuer`` signs tokens that the server takes for its own.
    """

    server: Server
    authority: Authority
    issuer: Issuer = field(repr=False)
    token: str = field(repr=False)

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def ca(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.authority.ca

    def ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        token: str | None = None,
        content: str = "application/json",
    ) -> tuple[int, Body]:
        """One call: status, and the JSON of the answer (empty if there is none).

        ``path`` begins with a slash. ``token`` is the administrator's unless given; an empty
        one asks without any. ``content`` is the type of the body.
        """
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=30, context=context
        )
        headers = {"Content-Type": content, "Accept": "application/json"}
        if token != "":
            headers["Authorization"] = f"Bearer {self.token if token is None else token}"
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, headers)
            reply = connection.getresponse()
            read = reply.read()
        finally:
            connection.close()
        return reply.status, json.loads(read) if read else {}

    def call(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        token: str | None = None,
        content: str = "application/json",
    ) -> Body:
        """The same, for calls that must succeed. Raises `Refused`."""
        status, answer = self.ask(method, path, body, token=token, content=content)
        if not 200 <= status < 300:
            raise Refused(status, answer)
        return answer

    # -- what tests set up: random names, there until the server stops

    def new_namespace(self) -> str:
        name = fresh("team")
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def account(self, namespace: str, *rules: Rule, everywhere: Sequence[Rule] = ()) -> Account:
        """A new service account that may do what the rules say in its namespace.

        ``everywhere`` are rules for the whole cluster.
        """
        name = fresh("account")
        place = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        made = self.call("POST", place, {"metadata": {"name": name}})["metadata"]
        found = Account(namespace, name, str(made["uid"]))
        if rules:
            self.allow(found, rules, f"namespaces/{namespace}/", "Role")
        if everywhere:
            self.allow(found, everywhere, "", "ClusterRole")
        return found

    def allow(self, account: Account, rules: Sequence[Rule], place: str, kind: str) -> None:
        """Give the account a role with these rules; see `account`."""
        role = {"metadata": {"name": account.name}, "rules": [dict(rule) for rule in rules]}
        binding = {
            "metadata": {"name": account.name},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": account.name},
            "subjects": [
                {
                    "kind": "ServiceAccount",
                    "name": account.name,
                    "namespace": account.namespace,
                }
            ],
        }
        api = f"/apis/{RBAC}/v1/{place}{kind.lower()}"
        self.call("POST", f"{api}s", role)
        self.call("POST", f"{api}bindings", binding)
        self.until_known(account.user, account.namespace, rules[0])

    def until_known(
        self, user: str, namespace: str, rule: Rule, *, allowed: bool = True
    ) -> None:
        """Wait until a change of roles counts: the server learns of it a moment later."""
        resource, _, subresource = rule["resources"][0].partition("/")
        asked = {
            "verb": rule["verbs"][0],
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": subresource,
            "name": next(iter(rule.get("resourceNames", ())), ""),
            "namespace": namespace,
        }
        spec = {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

        def known() -> bool:
            answer = self.call("POST", path, {"spec": spec})
            return bool(answer["status"]["allowed"]) is allowed

        until(known)

    def token_of(self, account: Account, seconds: int = 3600, *audiences: str) -> str:
        """A token that the server issues (TokenRequest), for at least `SHORTEST` seconds."""
        spec: Body = {"expirationSeconds": seconds}
        if audiences:
            spec["audiences"] = list(audiences)
        place = f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}/token"
        return str(self.call("POST", place, {"spec": spec})["status"]["token"])

    def short_token(self, account: Account, seconds: int) -> str:
        """A token that ends when the server would let none end; negative: it has ended."""
        claims = {
            "kubernetes.io": {
                "namespace": account.namespace,
                "serviceaccount": {"name": account.name, "uid": account.uid},
            }
        }
        # A list: the server does not take one audience as a string.
        return self.issuer.token(account.user, ISSUER, seconds=seconds, aud=[ISSUER], **claims)

    def service_account(self, namespace: str, *rules: Rule, seconds: int = 3600) -> str:
        """The token of a new account: `account` and `token_of` in one."""
        return self.token_of(self.account(namespace, *rules), seconds)

    def mounted(self, directory: Path, namespace: str, token: str) -> dict[str, str]:
        """What a pod finds: files in the directory, and the variables that are returned."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "token").write_text(token, encoding="ascii")
        (directory / "namespace").write_text(namespace, encoding="ascii")
        shutil.copyfile(self.ca, directory / "ca.crt")
        parts = urlsplit(self.address)
        return {
            "KUBERNETES_SERVICE_HOST": str(parts.hostname),
            "KUBERNETES_SERVICE_PORT": str(parts.port),
        }

    def kubeconfig(
        self,
        file: Path,
        *,
        user: Body | None = None,
        namespace: str | None = None,
        **cluster: Any,
    ) -> Path:
        """Write one with the only context ``test``.

        ``user`` is that part of it, the administrator's token unless given; ``cluster`` adds to
        or replaces parts of the cluster (``proxy-url``, ``server`` …).
        """
        context: Body = {"cluster": "test", "user": "test"}
        if namespace is not None:
            context["namespace"] = namespace
        place = {"server": self.address, "certificate-authority": str(self.ca), **cluster}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": context}],
            "clusters": [{"name": "test", "cluster": place}],
            "users": [
                {"name": "test", "user": {"token": self.token} if user is None else user}
            ],
        }
        file.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        return file

    def quota(self, namespace: str, hard: int) -> None:
        """From now on no more than so many secrets in the namespace, which has none."""
        place = f"/api/v1/namespaces/{namespace}/resourcequotas"
        limit = {"count/secrets": str(hard)}
        self.call("POST", place, {"metadata": {"name": "secrets"}, "spec": {"hard": limit}})

        def known(now: int) -> bool:
            """Whether the server counts by it already."""
            # A controller would set the status, and there is none.
            status = {"hard": {"count/secrets": str(now)}, "used": {"count/secrets": "0"}}
            kind = "application/merge-patch+json"
            self.call("PATCH", f"{place}/secrets/status", {"status": status}, content=kind)
            tried = f"/api/v1/namespaces/{namespace}/secrets?dryRun=All"
            answer = self.ask("POST", tried, {"metadata": {"name": "quota"}})[1]
            if now:
                return "reason" not in answer
            return "exceeded quota" in answer.get("message", "")

        until(lambda: known(0))
        if hard:
            until(lambda: known(hard))


def until(known: Callable[[], bool]) -> None:
    """Wait for the server's caches, at most `PATIENCE` seconds."""
    late = time.monotonic() + PATIENCE
    while not known():
        assert time.monotonic() < late, "the server never learned of it"
        time.sleep(0.01)


@contextmanager
def api_server(directory: Path, authority: Authority) -> Iterator[Kube]:
    """A new one, without anything in it; its data goes away with it."""
    issuer = Issuer(ISSUER)
    token = secrets.token_hex(16)
    issued = authority.issue()
    admin = directory / "tokens.csv"
    admin.write_text(f"{token},admin,admin,system:masters\n", encoding="ascii")
    admin.chmod(0o600)
    public = directory / "service-accounts.pub"
    public.write_text(issuer.public_key, encoding="ascii")
    private = directory / "service-accounts.key"
    private.write_text(issuer.private_key, encoding="ascii")
    private.chmod(0o600)

    def arguments(port: int) -> list[str]:
        return [
            str(directory),
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            # Others would be told to come here; on the loopback nobody can be.
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={issued.certificate}",
            f"--tls-private-key-file={issued.key}",
            f"--client-ca-file={authority.ca}",
            f"--token-auth-file={admin}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--profiling=false",
        ]

    context = ssl.create_default_context(cafile=authority.ca)
    try:
        with started(
            KUBE,
            arguments,
            health="/readyz",
            directory=directory,
            ready=lambda status: status == 200,
            scheme="https",
            context=context,
        ) as server:
            yield Kube(server, authority, issuer, token)
    finally:
        shutil.rmtree(directory / "etcd", ignore_errors=True)  # 120 MB
