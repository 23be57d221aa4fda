"""The signer against botocore's own, the addresses against botocore's rules, names and tags."""

from __future__ import annotations

import random
from typing import Any
from unittest import mock

import botocore.auth
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from skykeep.providers.aws.credentials import Keys
from skykeep.providers.aws.endpoints import IAM, SECRETS_MANAGER, SSM, STS, address, partition
from skykeep.providers.aws.signing import Signer
from tests.providers.aws.opening import settings

ALPHABET = "".join(chr(code) for code in range(33, 127))


def judged(  # noqa: PLR0917  (all of what a signature is made of)
    service: str,
    region: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    keys: Keys,
    stamp: str,
) -> str:
    """What botocore's signer writes into ``Authorization``."""
    request = AWSRequest("POST", url, headers=headers, data=body)
    signer = botocore.auth.SigV4Auth(
        BotoCredentials(keys.access, keys.secret, keys.token), service, region
    )
    from datetime import datetime

    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")  # noqa: DTZ007  (as botocore has it)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=at):
        signer.add_auth(request)
    return str(request.headers["Authorization"])


def test_signatures_are_those_of_botocore() -> None:
    chance = random.Random(7)

    def text(most: int, alphabet: str = ALPHABET) -> str:
        return "".join(chance.choices(alphabet, k=chance.randint(1, most)))

    for _ in range(2000):
        keys = Keys(
            text(20, "ABCDEFGHIJ0123456789"), text(40), chance.choice([None, text(400)])
        )
        region = chance.choice(["us-east-1", "eu-central-1", "cn-north-1"])
        service = chance.choice(["secretsmanager", "ssm", "sts"])
        host = chance.choice(["127.0.0.1:4566", "secretsmanager.us-east-1.amazonaws.com"])
        scheme = "http" if ":" in host else "https"
        base = chance.choice(["", "/base", "/a/b"])
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"secretsmanager.{text(20, 'abcXYZ')}",
        }
        body = chance.randbytes(chance.randint(0, 300))
        stamp = (
            f"20{chance.randint(20, 39)}0{chance.randint(1, 9)}1{chance.randint(0, 9)}T101112Z"
        )
        made = Signer(service, region, host, f"{base}/").sign(headers, body, keys, stamp)
        assert made.headers["authorization"] == judged(
            service, region, f"{scheme}://{host}{base}/", headers, body, keys, stamp
        )


def test_the_derived_key_is_not_kept_for_other_keys_or_days() -> None:
    signer = Signer("ssm", "us-east-1", "h", "/")
    first, second = Keys("A", "a"), Keys("A", "b")
    signatures = {
        signer.sign({}, b"", keys, stamp).headers["authorization"]
        for keys in (first, second, first)
        for stamp in ("20260101T000000Z", "20260102T000000Z")
    }
    assert len(signatures) == 4


def test_a_request_shows_nothing() -> None:
    keys = Keys("AKIDSHOWN", "hunter2", "token3")
    made = Signer("ssm", "us-east-1", "h", "/").sign({}, b"the value", keys, "20260101T000000Z")
    for word in ("AKIDSHOWN", "hunter2", "token3", "the value", "Signature"):
        assert word not in f"{made!r} {keys!r}"


def _regions() -> list[str]:
    session = botocore.session.Session()
    return sorted(
        region
        for name in session.get_available_partitions()
        for region in session.get_available_regions("secretsmanager", name)
        if "global" not in region and "fips" not in region
    )


@pytest.fixture(scope="module")
def rules() -> Any:
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    from botocore.endpoint_provider import EndpointProvider

    partitions = loader.load_data("partitions")
    return {
        service: EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions
        )
        for service in ("secretsmanager", "ssm", "sts", "iam")
    }


VARIANTS = {
    "plain": {},
    "fips": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "dual-stack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("region", _regions())
def test_addresses_are_those_of_botocore(rules: Any, region: str, variant: str) -> None:
    from botocore.exceptions import EndpointProviderError

    environ: dict[str, str] = VARIANTS[variant]
    for service in (SECRETS_MANAGER, SSM, STS):
        try:
            right = (
                rules[service.id]
                .resolve_endpoint(
                    Region=region,
                    UseFIPS="AWS_USE_FIPS_ENDPOINT" in environ,
                    UseDualStack="AWS_USE_DUALSTACK_ENDPOINT" in environ,
                )
                .url
            )
        except EndpointProviderError:
            continue  # not to be had in this partition
        assert address(service, region, settings(region=region), environ) == right
    if variant == "plain" and partition(region) == "aws":
        right = (
            rules["iam"]
            .resolve_endpoint(Region="aws-global", UseFIPS=False, UseDualStack=False)
            .url
        )
        assert address(IAM, region, settings(region=region), environ) == right


@pytest.mark.parametrize("region", _regions())
def test_partitions_are_those_of_botocore(region: str) -> None:
    session = botocore.session.Session()
    assert partition(region) == session.get_partition_for_region(region)


@pytest.mark.parametrize(
    ("endpoint", "environ", "expected"),
    [
        (
            "http://127.0.0.1:1",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"},
            "http://127.0.0.1:1",
        ),
        (
            None,
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://b"},
            "http://b",
        ),
        (
            None,
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SSM": "http://b"},
            "http://a",
        ),
        (
            None,
            {"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://secretsmanager.us-east-1.amazonaws.com",
        ),
    ],
)
def test_where_an_address_comes_from(
    endpoint: str | None, environ: dict[str, str], expected: str
) -> None:
    given = settings(endpoint=endpoint) if endpoint else settings()
    assert address(SECRETS_MANAGER, "us-east-1", given, environ) == expected


def test_the_endpoint_of_the_settings_is_that_of_the_secrets_only() -> None:
    given = settings(endpoint="http://127.0.0.1:1")
    assert address(STS, "eu-west-1", given, {}) == "https://sts.eu-west-1.amazonaws.com"
