"""hvac logs in through the fakes, and what is wrong is refused."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.peers.clients import Key, aws_client, aws_user
from tests.peers.fakes.vault_logins import NOT_BOUND, SERVER_ID, VaultLogins
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server


@pytest.fixture
def front(openbao: OpenBao) -> Iterator[VaultLogins]:
    with VaultLogins(openbao, "default") as running:
        yield running


def test_a_user_of_the_directory_logs_in(front: VaultLogins) -> None:
    front.users["ada"] = "correct"
    client = hvac.Client(url=front.address)
    login: Any = client.auth.ldap.login
    login("ada", "correct")
    lookup: Any = client.auth.token.lookup_self()
    assert lookup["data"]["meta"] == {"username": "ada"}


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), ("eve", "correct")])
def test_a_wrong_user_does_not(front: VaultLogins, user: str, password: str) -> None:
    front.users["ada"] = "correct"
    login: Any = hvac.Client(url=front.address).auth.ldap.login
    with pytest.raises(hvac.exceptions.InvalidRequest, match=NOT_BOUND):
        login(user, password)


def test_everything_else_is_the_servers(front: VaultLogins, openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    kv: Any = hvac.Client(url=front.address, token=openbao.token).secrets.kv.v2
    kv.create_or_update_secret("a", {"value": "x"}, mount_point=mount)
    assert kv.list_secrets("", mount_point=mount)["data"]["keys"] == ["a"]
    assert openbao.call("GET", f"{mount}/data/a")["data"]["data"] == {"value": "x"}


@pytest.fixture
def user(ministack: Server) -> Key:
    return aws_user(ministack.address)


@pytest.fixture
def aws(openbao: OpenBao, ministack: Server, user: Key) -> Iterator[VaultLogins]:
    client = aws_client(
        "sts", ministack.address, access_key=user.access_key, secret_key=user.secret_key
    )
    with VaultLogins(openbao, "default", sts=ministack.address) as running:
        running.roles["web"] = client.get_caller_identity()["Arn"]
        running.roles["another"] = "arn:aws:iam::123456789012:user/another"
        yield running


def proof(key: Key, server_id: str | None = VaultLogins.server_id) -> dict[str, str]:
    """A ``GetCallerIdentity`` that the key signed, as a login carries it."""
    url, body = "https://sts.amazonaws.com/", "Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    if server_id is not None:
        headers[SERVER_ID] = server_id
    request = AWSRequest("POST", url, headers, body)
    credentials = Credentials(key.access_key, key.secret_key)
    SigV4Auth(credentials, "sts", "us-east-1").add_auth(request)

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    return {
        "iam_http_request_method": "POST",
        "iam_request_url": encoded(url),
        "iam_request_body": encoded(body),
        "iam_request_headers": encoded(json.dumps(dict(request.headers.items()))),
    }


def login(front: VaultLogins, role: str, given: dict[str, str]) -> tuple[int, Any]:
    vault = OpenBao(Server(front.vault.server.peer, front.address), "")
    return vault.ask("POST", "auth/aws/login", {"role": role, **given}, token="")


def test_who_signs_for_sts_logs_in(aws: VaultLogins, user: Key) -> None:
    status, answer = login(aws, "web", proof(user))
    assert status == 200, answer
    assert answer["auth"]["metadata"]["canonical_arn"] == aws.roles["web"]
    assert aws.vault.ask("GET", "auth/token/lookup-self", token=answer["auth"]["client_token"])


def test_a_wrong_signature_is_refused_by_sts(aws: VaultLogins, user: Key) -> None:
    status, answer = login(aws, "web", proof(Key(user.access_key, secrets.token_hex(20))))
    assert status == 400
    assert "received error code 403 from STS" in answer["errors"][0]
    assert "SignatureDoesNotMatch" in answer["errors"][0]


@pytest.mark.parametrize(
    ("server_id", "text"), [(None, "missing header"), ("vault.evil.test", "but got")]
)
def test_a_request_for_another_server_is_refused(
    aws: VaultLogins, user: Key, server_id: str | None, text: str
) -> None:
    status, answer = login(aws, "web", proof(user, server_id))
    assert (status, text in answer["errors"][0]) == (400, True)


def test_a_server_id_that_was_not_signed_is_refused(aws: VaultLogins, user: Key) -> None:
    given = proof(user, None)
    headers = json.loads(base64.b64decode(given["iam_request_headers"]))
    headers[SERVER_ID] = aws.server_id
    given["iam_request_headers"] = base64.b64encode(json.dumps(headers).encode()).decode()
    status, answer = login(aws, "web", given)
    assert (status, "header wasn't signed" in answer["errors"][0]) == (400, True)


def test_a_role_of_somebody_else_is_refused(aws: VaultLogins, user: Key) -> None:
    status, answer = login(aws, "another", proof(user))
    assert (status, "does not belong to the role" in answer["errors"][0]) == (400, True)
    assert login(aws, "none", proof(user))[0] == 400
