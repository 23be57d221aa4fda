"""One configuration file with an environment for each of six stores, all running here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skykeep
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.vault import create
from tests.peers.aws import REGION
from tests.peers.azure import KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import CLIENT, Entra
from tests.peers.fakes.google_tokens import GoogleTokens
from tests.peers.fakes.key_vault_settings import TENANT
from tests.peers.google import PROJECT, SecretManager
from tests.peers.kube import Kube
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON as AWS
from tests.providers.azure.logins import SECRET
from tests.providers.gcp.google_home import ACCOUNT, KEY_ID, Home

ORDER = ("aws", "gcp", "azure", "vault", "kubernetes", "local")


@dataclass(frozen=True)
class SixStores:
    """``config`` is the file, ``environ`` the variables that its credentials are in."""

    config: Path
    environ: Mapping[str, str]

    def open(self, store: str) -> skykeep.Cloud:
        return skykeep.open(config=self.config, env=store, environ=self.environ)


@contextmanager
def six_stores(
    place: Path,
    *,
    aws: Server,
    gcp: SecretManager,
    azure: KeyVaults,
    vault: OpenBao,
    kube: Kube,
    authority: Authority,
) -> Iterator[SixStores]:
    """Every store empty; credentials as they are found in each cloud: an access key, a service
    account's key, a client secret, a token, a kubeconfig, a key file."""
    key_file = place / "local.key"
    local = LocalSettings(backend="local", path=str(place / "vault.db"), key_file=str(key_file))
    create(local, OpenContext("local", {}, lambda: place))
    with (
        GoogleTokens() as tokens,
        Entra(authority.issue().server(), azure.issuer) as entra,
    ):
        entra.register(secrets=[SECRET])
        home = Home(place, tokens)
        home.name(home.service_account())
        gcp.trust(ACCOUNT, KEY_ID, home.public_key, "*")
        prefix = f"{place.name}/"
        targets: dict[str, dict[str, Any]] = {
            "aws": {"region": REGION, "endpoint": aws.address},
            "gcp": {"project_id": PROJECT, "endpoint": gcp.address, "secret_prefix": prefix},
            "azure": {
                "vault_url": azure.new().address,
                "verify_challenge": False,
                "tls": {"ca": str(azure.ca)},
            },
            "vault": {"address": vault.address, "mount": vault.kv(2), "secret_prefix": prefix},
            "kubernetes": {
                "kubeconfig": str(
                    kube.kubeconfig(place / "kubeconfig", namespace=kube.new_namespace())
                )
            },
            "local": {"path": local.path, "key_file": local.key_file},
        }
        config = place / "skykeep.yaml"
        config.write_text(
            json.dumps(
                {
                    store: {"primary": {"backend": store, **target}}
                    for store, target in targets.items()
                }
            )
        )
        yield SixStores(
            config,
            {
                **home.environ,
                **AWS,
                "VAULT_TOKEN": vault.token,
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_ID": CLIENT,
                "AZURE_CLIENT_SECRET": SECRET,
                "AZURE_AUTHORITY_HOST": entra.address,
                "SSL_CERT_FILE": str(authority.ca),
            },
        )
