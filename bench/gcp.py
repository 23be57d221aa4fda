"""``python -m bench.gcp``: uncached reads of Secret Manager beside google-cloud-secret-manager
(``bench.reads``).

The server is the tests' fake (``tests.peers.fakes.secret_manager``), with one state behind gRPC
and REST, in a process of its own. Both sides are opened as their users open them: TLS, and a
service account's key that signs its tokens. Ratios are to the SDK's asynchronous client over
gRPC; in threads it is there over gRPC and over REST. What takes time on the wall is mostly the
fake, whose gRPC and REST differ: look at the processor's time first. The SDK must be installed
(``requirements/dev.txt`` has it); takes some two minutes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from google.api_core.client_options import ClientOptions
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service import transports
from google.oauth2 import service_account

from bench.reads import AT_ONCE, Sdk, cold, opened_cloud, warm
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.secrets import open_secrets
from skykeep.providers.gcp.settings import GcpSettings
from tests.peers.certificates import Authority
from tests.peers.fakes.google_tokens import GoogleTokens
from tests.peers.google import PROJECT, SecretManager, secret_manager
from tests.providers.gcp.google_home import ACCOUNT, KEY_ID, Home

VALUE = SecretValue("x" * 64)
ONE = "a"
MANY = [f"a{number}" for number in range(AT_ONCE)]
"""Names that need no escaping: the SDK reads the same."""
LATEST = f"projects/{PROJECT}/secrets/{{}}/versions/latest"
ONE_LINER = (
    "from google.cloud import secretmanager; "
    "o = {{'api_endpoint': '{grpc}'}}; "
    "c = secretmanager.SecretManagerServiceClient(client_options=o); "
    "print(c.access_secret_version(name='{name}').payload.data.decode())"
)


@contextmanager
def serving(place: Path) -> Iterator[tuple[SecretManager, dict[str, str]]]:
    """The fake, and the environment in which both sides reach it."""
    authority = Authority(place)
    with GoogleTokens() as tokens:
        home = Home(place, tokens)
        key = home.write(home.service_account())
    with secret_manager(place, authority.issue()) as fake:
        fake.trust(ACCOUNT, KEY_ID, home.public_key)
        yield (
            fake,
            {
                "GOOGLE_APPLICATION_CREDENTIALS": str(key),
                "GOOGLE_CLOUD_PROJECT": PROJECT,
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": fake.address,
                "SSL_CERT_FILE": str(authority.ca),
                "REQUESTS_CA_BUNDLE": str(authority.ca),
                "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(authority.ca),
                "HOME": "/nonexistent",
            },
        )


def credentials() -> Any:
    """The SDK's."""
    file = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
    return service_account.Credentials.from_service_account_file(file)  # type: ignore[no-untyped-call]  # it has no types


async def asynchronous(fake: SecretManager) -> Any:
    """The SDK's asynchronous client; it belongs to the loop that it is made on."""
    return secretmanager_v1.SecretManagerServiceAsyncClient(
        credentials=credentials(), client_options=ClientOptions(api_endpoint=fake.grpc)
    )


def synchronous(fake: SecretManager, transport: str) -> Any:
    """The SDK's other client."""
    if transport == "grpc":
        return secretmanager_v1.SecretManagerServiceClient(
            credentials=credentials(), client_options=ClientOptions(api_endpoint=fake.grpc)
        )
    host = fake.address.partition("//")[2]
    rest = transports.SecretManagerServiceRestTransport(host=host, credentials=credentials())
    return secretmanager_v1.SecretManagerServiceClient(transport=rest)


def reading(client: Any) -> Callable[[str], Any]:
    return lambda name: client.access_secret_version(name=LATEST.format(name))


def warm_reads(runner: asyncio.Runner, fake: SecretManager, environ: dict[str, str]) -> None:
    """The table."""
    given = msgspec.convert({"backend": "gcp"}, GcpSettings)
    driver = runner.run(open_secrets(given, OpenContext("bench", environ, Path)))
    for name in (ONE, *MANY):
        runner.run(driver.create(name, VALUE, Attributes()))
    cloud = opened_cloud(given, environ)
    waits = runner.run(asynchronous(fake))
    over_grpc, over_rest = synchronous(fake, "grpc"), synchronous(fake, "rest")
    sdks = [
        Sdk("asynchronous SDK", read_async=reading(waits)),
        Sdk("SDK, gRPC, threads", reading(over_grpc)),
        Sdk("SDK, REST, threads", reading(over_rest)),
    ]
    warm(runner, sdks, driver, cloud, one=ONE, many=MANY)
    runner.run(waits.transport.close())
    for client in (over_grpc, over_rest):
        client.transport.close()
    runner.run(cloud.close())
    runner.run(driver.close())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (fake, environ):
        os.environ.update(environ)  # where the SDK looks
        with asyncio.Runner() as runner:
            warm_reads(runner, fake, environ)
        line = ONE_LINER.format(grpc=fake.grpc, name=LATEST.format(ONE))
        words = ["--backend", "gcp", "get", ONE]
        cold("google-cloud-secret-manager", line, words, environ)


if __name__ == "__main__":
    main()
