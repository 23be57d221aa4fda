"""STS that verifies web identity tokens."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from tests.peers.aws import REGION
from tests.peers.tokens import Issuer
from tests.peers.web_identity import WebIdentity


def assume(sts: WebIdentity, token: str) -> dict[str, Any]:
    config = botocore.config.Config(
        signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}
    )
    client = boto3.client("sts", endpoint_url=sts.address, region_name=REGION, config=config)
    found: dict[str, Any] = client.assume_role_with_web_identity(
        RoleArn=sts.role, RoleSessionName="tests", WebIdentityToken=token
    )
    return found


def test_a_good_token_gets_credentials_that_expire(seaweedfs: WebIdentity) -> None:
    given = assume(seaweedfs, seaweedfs.token())["Credentials"]
    assert given["AccessKeyId"]
    assert given["SessionToken"]
    assert given["Expiration"]


@pytest.mark.parametrize("bad", ["stranger", "audience", "expired", "garbage"])
def test_a_bad_token_gets_none(seaweedfs: WebIdentity, bad: str) -> None:
    token = {
        "stranger": Issuer(seaweedfs.issuer.url).token("web", seaweedfs.audience),
        "audience": seaweedfs.issuer.token("web", "another"),
        "expired": seaweedfs.token(seconds=-600),
        "garbage": "no.token.atall",
    }[bad]
    with pytest.raises(ClientError) as refused:
        assume(seaweedfs, token)
    assert 400 <= refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
