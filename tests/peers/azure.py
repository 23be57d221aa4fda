"""Azure Key Vault in the shape of a fake of ours; why there is no other, `absent.toml`.

    def test_it(key_vault: KeyVaults) -> None:
        vault = key_vault.new(purge_protection=True)
        client = SecretClient(
            vault.address,
            key_vault.credential(),
            connection_verify=str(key_vault.ca),
            verify_challenge_resource=False,  # 127.0.0.1 is not below vault.azure.net
        )

All tests of a worker share one process; a test that changes a setting takes a vault of its own
by `KeyVaults.new`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests.peers.certificates import LOOPBACK, Authority
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.peer import KEY_VAULT, Server
from tests.peers.starting import started
from tests.peers.tokens import Issuer
from tests.repo.tree import ROOT

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

DOMAINS = ("vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn")
RESOURCE = f"https://{DOMAINS[0]}"
APPLICATION = "fad7d5b3-0000-4000-8000-9d12124e1cf1"  # made up


class Minted:
    """What both credentials for the official client have. ``asked``: so far, in order."""

    def __init__(self, vaults: KeyVaults, oid: str, claims: Mapping[str, Any]) -> None:
        self._vaults = vaults
        self._oid = oid
        self._claims = dict(claims)
        self.asked: list[Asked] = []

    def use(self, **claims: Any) -> None:
        """Let tokens have other claims from now on."""
        self._claims = claims

    def _mint(self, asked: Asked) -> AccessToken:
        # The SDK is imported by the tests that use it, not by all.
        from azure.core.credentials import AccessToken

        self.asked.append(asked)
        token = self._vaults.token(self._oid, **self._claims)
        return AccessToken(token, int(time.time()) + 3600)


@dataclass(frozen=True)
class Asked:
    """What a client wants of a credential."""

    scopes: tuple[str, ...]
    tenant: str | None
    claims: str | None


class Credential(Minted):
    """For ``azure.keyvault.secrets``."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,
    ) -> AccessToken:
        return self._mint(Asked(scopes, tenant_id, claims))


class AsyncCredential(Minted):
    """For ``azure.keyvault.secrets.aio``."""

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,
    ) -> AccessToken:
        return self._mint(Asked(scopes, tenant_id, claims))

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None


@dataclass(frozen=True)
class KeyVault:
    """A vault. ``plain`` is the same without TLS, to stand behind a `FaultProxy` with TLS.

    ``host`` is what a request that comes to ``address`` may name as its host, too.
    """

    name: str
    address: str
    plain: str
    vaults: KeyVaults

    @property
    def host(self) -> str:
        return f"{self.name}.{DOMAINS[0]}"

    def change(self, **settings: Any) -> None:
        """See `tests.peers.fakes.key_vault_settings.Settings`; grants as a list of objects."""
        self.vaults.control("PATCH", f"vaults/{self.name}", settings)

    def requests(self) -> list[dict[str, Any]]:
        """What was asked so far: method, target, status, body (its length), token, oid."""
        return list(self.vaults.control("GET", f"vaults/{self.name}/requests"))

    def make_managed(self, name: str, value: str) -> None:
        """A secret that belongs to a certificate."""
        self.vaults.control(
            "POST", f"vaults/{self.name}/managed", {"name": name, "value": value}
        )

    def close(self) -> None:
        """The vault is gone: its connections end, and new ones are refused."""
        self.vaults.control("DELETE", f"vaults/{self.name}")


class KeyVaults:
    """The process, its keys, and its vaults. ``server.address`` is its control interface."""

    def __init__(self, server: Server, ca: Path, issuer: Issuer) -> None:
        self.server = server
        self.ca = ca
        self.issuer = issuer
        self.shared = self._vault("tests", self.control("GET", "vaults")["tests"])

    @property
    def address(self) -> str:
        """Of the vault that tests share: use random names, change nothing."""
        return self.shared.address

    def new(self, name: str = "", **settings: Any) -> KeyVault:
        """A vault of its own."""
        chosen = name or f"kv-{secrets.token_hex(4)}"
        return self._vault(chosen, self.control("POST", "vaults", {"name": chosen, **settings}))

    def token(
        self,
        oid: str = OWNER,
        *,
        tenant: str = TENANT,
        audience: str = RESOURCE,
        seconds: int = 3600,
        **claims: Any,
    ) -> str:
        """An access token of version 1, as Entra ID issues them, by a key that is trusted.

        Any claim can be another one: ``iss``, ``iat``, ``appid``.
        """
        return self.issuer.token(
            oid,
            audience,
            seconds=seconds,
            **{
                "iss": f"https://sts.windows.net/{tenant}/",
                "iat": int(time.time()),
                "oid": oid,
                "appid": APPLICATION,
                "tid": tenant,
                "ver": "1.0",
                **claims,
            },
        )

    def credential(self, oid: str = OWNER, **claims: Any) -> Credential:
        return Credential(self, oid, claims)

    def async_credential(self, oid: str = OWNER, **claims: Any) -> AsyncCredential:
        return AsyncCredential(self, oid, claims)

    def context(self) -> ssl.SSLContext:
        """For clients that trust the tests' authority."""
        return ssl.create_default_context(cafile=str(self.ca))

    def trust(self, public_key: str) -> None:
        """Accept tokens that another key signed (PEM), a fake authority's for example."""
        self.control("POST", "keys", public_key)

    def control(self, method: str, path: str, content: Any = None) -> Any:
        """One call of the control interface. AssertionError with its words if it refuses."""
        parts = urlsplit(self.server.address)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            body = None if content is None else json.dumps(content)
            connection.request(method, f"/_fake/{path}", body)
            reply = connection.getresponse()
            said = reply.read()
            assert reply.status == 200, said
            return json.loads(said)
        finally:
            connection.close()

    def _vault(self, name: str, ports: Mapping[str, int]) -> KeyVault:
        address, plain = (
            f"https://127.0.0.1:{ports['port']}",
            f"http://127.0.0.1:{ports['plain']}",
        )
        return KeyVault(name, address, plain, self)


@contextmanager
def key_vault(directory: Path, authority: Authority) -> Iterator[KeyVaults]:
    """The fake, with the shared vault, trusting an issuer made here."""
    directory.mkdir(parents=True, exist_ok=True)
    issuer = Issuer()
    key = directory / "issuer.pem"
    key.write_text(issuer.public_key, encoding="ascii")
    issued = authority.issue(*LOOPBACK, *(f"*.{domain}" for domain in DOMAINS))

    def arguments(port: int) -> list[str]:
        return [
            *("-m", "tests.peers.fakes.key_vault", "--control", str(port)),
            *("--certificate", str(issued.certificate), "--private-key", str(issued.key)),
            *("--key", str(key)),
        ]

    def environ(port: int) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}

    with started(
        KEY_VAULT, arguments, health="/_fake/vaults", directory=directory, environ=environ
    ) as server:
        yield KeyVaults(server, authority.ca, issuer)
