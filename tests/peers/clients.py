"""The judges: the services' own clients, for the servers that run here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.config
import hvac
import kubernetes.client

from tests.peers.aws import ACCESS_KEY, REGION, SECRET_KEY
from tests.peers.kube import Kube
from tests.peers.openbao import OpenBao


def aws_client(
    service: str, address: str, *, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY
) -> Any:
    """A client of boto3's, with the keys that ministack knows; it tries each call once."""
    session = boto3.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=REGION
    )
    config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=60)
    return session.client(service, endpoint_url=address, config=config)


@dataclass(frozen=True)
class Key:
    """An access key."""

    access_key: str
    secret_key: str = field(repr=False)


def aws_user(address: str, *statements: dict[str, Any]) -> Key:
    """A new user with these statements of a policy, none for no rights; the key of it."""
    iam = aws_client("iam", address)
    name = f"user-{secrets.token_hex(6)}"
    iam.create_user(UserName=name)
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


def vault_client(vault: OpenBao, *, token: str | None = None) -> hvac.Client:
    """A client of hvac's, with the root token unless another one is given."""
    return hvac.Client(
        url=vault.address,
        token=vault.token if token is None else token,
        namespace=vault.namespace or None,
        verify=str(vault.ca) if vault.ca else True,
    )


@contextmanager
def kubernetes_client(
    kube: Kube, *, token: str | None = None
) -> Iterator[kubernetes.client.ApiClient]:
    """The official client, with the administrator's token unless another one is given."""
    configuration = kubernetes.client.Configuration(
        host=kube.address,
        api_key={"authorization": f"Bearer {kube.token if token is None else token}"},
    )
    configuration.ssl_ca_cert = str(kube.ca)
    configuration.retries = 0
    with kubernetes.client.ApiClient(configuration) as client:
        yield client
