"""Where AWS keeps secrets and parameters, by its own word."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import Any

import pytest

from skykeep.conformance.cases import refused
from skykeep.errors import Denied
from skykeep.providers.aws.secrets import open_secrets
from tests.peers.clients import aws_client
from tests.peers.faults import Answer, FaultProxy
from tests.peers.peer import Server
from tests.providers.aws.opening import context, opened, settings

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_an_address_of_aws_is_of_one_region(service: str) -> None:
    """Nothing is sent: there is no AWS here."""
    driver = await open_secrets(settings(service=service, region="eu-west-3"), context())
    assert await driver.region() == "eu-west-3"
    await driver.close()


async def test_copies_count() -> None:
    given = settings(region="eu-west-3", replica_regions=["eu-west-1", "us-east-1"])
    driver = await open_secrets(given, context())
    assert await driver.region() == "eu-west-3,eu-west-1,us-east-1"
    await driver.close()


def _plant(server: Server, service: str) -> str:
    name = f"places-{secrets.token_hex(6)}"
    with closing(aws_client(service, server.address)) as client:
        if service == "ssm":
            client.put_parameter(Name=name, Value="v", Type="SecureString")
        else:
            client.create_secret(Name=name, SecretString="v")
    return name


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_at_another_address_an_arn_tells_it(ministack: Server, service: str) -> None:
    _plant(ministack, service)
    with FaultProxy(ministack.address) as proxy:
        driver = await opened(proxy.address, service=service, secret_prefix="ours/")
        assert await driver.region() == "us-east-1"
        assert len(proxy.seen) == 1
        assert proxy.seen[0].request.body == b'{"MaxResults":1}'
        await driver.close()


@pytest.mark.parametrize(
    ("body", "keys", "told"),
    [
        (b'{"SecretList": []}', {}, None),
        (b'{"SecretList": []}', {"replica_regions": ["us-west-2"]}, "us-east-1,us-west-2"),
        (b'{"SecretList": [{"Name": "x"}]}', {}, None),
        (b'{"SecretList": [{"ARN": "arn:aws:secretsmanager:eu-west-3:1:x"}]}', {}, "eu-west-3"),
        (b"{}", {}, None),
    ],
)
async def test_what_an_answer_says(
    ministack: Server, body: bytes, keys: dict[str, Any], told: str | None
) -> None:
    with FaultProxy(ministack.address) as proxy:
        proxy.fail(Answer(200, body))
        driver = await opened(proxy.address, **keys)
        assert await driver.region() == told
        await driver.close()


async def test_who_may_not_list(ministack: Server) -> None:
    with FaultProxy(ministack.address) as proxy:
        proxy.fail(Answer(400, b'{"__type": "AccessDeniedException", "Message": "no"}'))
        driver = await opened(proxy.address)
        await refused(Denied, driver.region())
        await driver.close()
