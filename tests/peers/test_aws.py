"""AWS's client against the servers that stand for AWS."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import botocore.auth
import botocore.compat
import pytest
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

from tests.peers.aws import Microburst
from tests.peers.clients import aws_client, aws_user
from tests.peers.peer import Server
from tests.peers.starting import status_of


@pytest.fixture(params=["moto", "ministack"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def name() -> str:
    return f"peers/{secrets.token_hex(6)}"


def test_a_secret_is_written_read_and_listed(server: Server) -> None:
    client = aws_client("secretsmanager", server.address)
    first, second = name(), name()
    for each in (first, second):
        client.create_secret(Name=each, SecretString=f"value of {each}")
    assert client.get_secret_value(SecretId=second)["SecretString"] == f"value of {second}"
    pages = client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
    listed = {entry["Name"] for page in pages for entry in page["SecretList"]}
    assert {first, second} <= listed


def test_stages_move_between_versions(server: Server) -> None:
    client = aws_client("secretsmanager", server.address)
    secret = name()
    old = client.create_secret(Name=secret, SecretString="old")["VersionId"]
    new = client.put_secret_value(
        SecretId=secret, SecretString="new", VersionStages=["AWSPENDING"]
    )["VersionId"]
    client.update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=new,
        RemoveFromVersionId=old,
    )

    def at(stage: str) -> str:
        reply = client.get_secret_value(SecretId=secret, VersionStage=stage)
        return str(reply["SecretString"])

    assert (at("AWSCURRENT"), at("AWSPREVIOUS")) == ("new", "old")


def test_a_missing_secret_is_refused_by_its_code(server: Server) -> None:
    with pytest.raises(ClientError) as refused:
        aws_client("secretsmanager", server.address).get_secret_value(SecretId=name())
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_parameter_is_written_and_read(server: Server) -> None:
    client = aws_client("ssm", server.address)
    parameter = f"/{name()}"
    client.put_parameter(Name=parameter, Value="kept", Type="SecureString")
    found = client.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Version"]) == ("kept", 1)


def test_who_am_i_is_answered(server: Server) -> None:
    identity = aws_client("sts", server.address).get_caller_identity()
    assert identity["Arn"].startswith("arn:aws:")


READ = {"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"}


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_ministack_refuses_a_wrong_signature(ministack: Server) -> None:
    key = aws_user(ministack.address, READ)
    for secret_key in (key.secret_key, "another"):
        client = aws_client(
            "secretsmanager",
            ministack.address,
            access_key=key.access_key,
            secret_key=secret_key,
        )
        if secret_key == key.secret_key:
            client.list_secrets()
            continue
        with pytest.raises(ClientError) as refused:
            client.list_secrets()
        assert code(refused) == "InvalidSignatureException"


def test_ministack_refuses_an_old_signature(
    ministack: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = aws_user(ministack.address, READ)
    client = aws_client(
        "secretsmanager",
        ministack.address,
        access_key=key.access_key,
        secret_key=key.secret_key,
    )
    now = botocore.compat.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: now() - timedelta(minutes=10)
    )
    with pytest.raises(ClientError, match="Signature expired") as refused:
        client.list_secrets()
    assert code(refused) == "InvalidSignatureException"


def test_ministack_denies_what_no_policy_allows(ministack: Server) -> None:
    key = aws_user(ministack.address, READ)
    client = aws_client(
        "secretsmanager",
        ministack.address,
        access_key=key.access_key,
        secret_key=key.secret_key,
    )
    with pytest.raises(ClientError) as refused:
        client.create_secret(Name=name(), SecretString="x")
    assert code(refused) == "AccessDeniedException"


def test_ministack_gives_an_instances_credentials_for_a_token_only(ministack: Server) -> None:
    path = "/latest/meta-data/iam/security-credentials/"
    assert status_of(f"{ministack.address}{path}") == 401
    fetcher = InstanceMetadataFetcher(
        base_url=ministack.address, num_attempts=1, config={"ec2_metadata_v1_disabled": True}
    )
    assert fetcher.retrieve_iam_role_credentials()["role_name"]


@pytest.mark.parametrize("status", [400, 500, 503])
def test_microburst_throttles_what_its_rules_say(microburst: Microburst, status: int) -> None:
    client = aws_client("secretsmanager", microburst.address)
    secret = name()
    client.create_secret(Name=secret, SecretString="kept")
    rule: dict[str, Any] = {
        "service": "secretsmanager",
        "operation": "GetSecretValue",
        "error": {"code": "ThrottlingException", "status": status},
    }
    microburst.rules(rule)
    try:
        with pytest.raises(ClientError) as refused:
            client.get_secret_value(SecretId=secret)
        assert refused.value.response["Error"]["Code"] == "ThrottlingException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert client.describe_secret(SecretId=secret)["Name"] == secret  # no rule for that
        assert microburst.fired()[-1]["operation"] == "GetSecretValue"
    finally:
        microburst.rules()
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "kept"
