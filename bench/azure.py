"""``python -m bench.azure``: uncached reads of Key Vault beside azure-keyvault-secrets
(``bench.reads``).

The server is the tests' fake of Key Vault (``tests.peers.fakes.key_vault``), over TLS, in a
process of its own. Both sides have logged in before: ours at a managed identity's endpoint, the
SDK by a credential that has its token ready; cold, both log in by a client secret at a fake of
Entra, which runs here while this process waits. The SDK must be installed
(``requirements/dev.txt`` has it).
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import aiohttp
import msgspec
from azure.core.pipeline.transport import AioHttpTransport
from azure.keyvault.secrets.aio import SecretClient

from bench.reads import AT_ONCE, Sdk, cold, opened_cloud, warm
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.secrets import open_secrets
from skykeep.providers.azure.settings import AzureSettings
from tests.peers.azure import KeyVaults, key_vault
from tests.peers.certificates import Authority
from tests.peers.fakes.azure_hosts import Imds
from tests.peers.fakes.entra import CLIENT, Entra
from tests.peers.fakes.key_vault_settings import TENANT

VALUE = SecretValue("x" * 64)
ONE = "a"
MANY = [f"a{number}" for number in range(AT_ONCE)]
"""Names that need no escaping: the SDK reads the same."""
PROOF = "made-up-for-the-benchmark"
ONE_LINER = (
    "from azure.identity import DefaultAzureCredential; "
    "from azure.keyvault.secrets import SecretClient; "
    "print(SecretClient('{url}', DefaultAzureCredential(disable_instance_discovery=True), "
    "verify_challenge_resource=False).get_secret('a').value)"
)
CONFIG = """\
production:
  primary:
    backend: azure
    vault_url: {url}
    verify_challenge: false
    tls: {{ca: {ca}}}
"""


def settings(vaults: KeyVaults) -> AzureSettings:
    """The vault, with the identity of this host."""
    return msgspec.convert(
        {
            "backend": "azure",
            "vault_url": vaults.address,
            "verify_challenge": False,  # 127.0.0.1 lies in no cloud
            "tls": {"ca": str(vaults.ca)},
            "auth": {"method": "managed_identity"},
        },
        AzureSettings,
    )


async def judge(vaults: KeyVaults) -> SecretClient:
    """The SDK's client, as quick as it can be made.

    Its session is made here: azure-core 1.41 makes a TLS context of ``connection_verify`` for
    each request, and so a connection; on a vault of Azure's own it keeps them.
    """
    connector = aiohttp.TCPConnector(ssl=vaults.context(), limit=AT_ONCE)
    session = aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
    return SecretClient(
        vaults.address,
        vaults.async_credential(),
        transport=AioHttpTransport(session=session),
        verify_challenge_resource=False,
        retry_total=0,
    )


def warm_reads(runner: asyncio.Runner, vaults: KeyVaults) -> None:
    """The table."""
    with Imds(lambda oid, tenant, resource, **claims: vaults.token(oid)) as host:
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host.address}
        given = settings(vaults)
        driver = runner.run(open_secrets(given, OpenContext("bench", environ, Path)))
        for name in (ONE, *MANY):
            runner.run(driver.create(name, VALUE, Attributes()))
        cloud = opened_cloud(given, environ)
        runner.run(cloud.secrets.get(ONE))
    client = runner.run(judge(vaults))
    sdk = Sdk("azure-keyvault-secrets", read_async=client.get_secret)
    warm(runner, [sdk], driver, cloud, one=ONE, many=MANY)
    runner.run(cloud.close())
    runner.run(driver.close())
    runner.run(client.close())


def cold_read(vaults: KeyVaults, authority: Authority, place: Path) -> None:
    """Whole processes, which log in."""
    config = place / "skykeep.yaml"
    config.write_text(CONFIG.format(url=vaults.address, ca=vaults.ca), encoding="utf-8")
    with Entra(authority.issue().server(), vaults.issuer) as entra:
        entra.register(secrets=[PROOF])
        environ = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": PROOF,
            "AZURE_AUTHORITY_HOST": entra.address,
            "SSL_CERT_FILE": str(vaults.ca),
            "REQUESTS_CA_BUNDLE": str(vaults.ca),
            "HOME": "/nonexistent",
        }
        words = ["--config", str(config), "get", ONE]
        cold("azure", ONE_LINER.format(url=vaults.address), words, environ)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        authority = Authority(place)
        with key_vault(place / "server", authority) as vaults:
            with asyncio.Runner() as runner:
                warm_reads(runner, vaults)
            cold_read(vaults, authority, place)


if __name__ == "__main__":
    main()
