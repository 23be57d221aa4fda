"""Who gets an answer from the fake of Secret Manager: tokens, permissions, projects."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt
from google.oauth2 import service_account

from tests.peers.certificates import Authority
from tests.peers.google import SecretManager
from tests.peers.google_client import google_client
from tests.peers.google_http import AUTOMATIC, Asker
from tests.peers.starting import status_of

SERVICE = "https://secretmanager.googleapis.com/"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def fake(secret_manager: SecretManager) -> Iterator[SecretManager]:
    yield secret_manager
    secret_manager.settle()


@pytest.fixture
def ask(fake: SecretManager) -> Asker:
    return Asker(fake)


def test_without_a_token(ask: Asker) -> None:
    answer = ask("GET", f"{ask.parent}/secrets", token="")
    assert answer.error == (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING")
    assert answer.headers["www-authenticate"] == 'Bearer realm="https://accounts.google.com/"'


def test_tokens_that_are_not_accepted(ask: Asker, fake: SecretManager) -> None:
    expired, revoked = fake.accept("*", expires=time.time() - 1), fake.accept("*")
    fake.revoke(revoked)
    for token, reason in (
        (expired, "ACCESS_TOKEN_EXPIRED"),
        (revoked, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ("nonsense", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ):
        answer = ask("GET", f"{ask.parent}/secrets", token=token)
        assert answer.error == (401, "UNAUTHENTICATED", reason)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert token not in answer.body.decode()


def test_a_token_expires_by_the_clock(ask: Asker, fake: SecretManager) -> None:
    token = fake.accept("*", expires=time.time() + 3600)
    assert ask("GET", f"{ask.parent}/secrets", token=token).status == 200
    fake.advance(3601)
    assert ask("GET", f"{ask.parent}/secrets", token=token).status == 401


def test_a_token_for_another_service(ask: Asker, fake: SecretManager) -> None:
    token = fake.accept("*", scopes=["https://www.googleapis.com/auth/devstorage.read_only"])
    answer = ask("GET", f"{ask.parent}/secrets", token=token)
    assert answer.error == (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def test_permissions(ask: Asker, fake: SecretManager) -> None:
    name = ask.secret(b"x")
    token = fake.accept("secretmanager.versions.access")
    assert ask("GET", f"{name}/versions/1:access", token=token).status == 200
    answer = ask("GET", f"{name}/versions/1", token=token)
    assert answer.error == (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
    permission = "secretmanager.versions.get"
    said = f"Permission '{permission}' denied on resource (or it may not exist)."
    assert answer.json["error"]["message"] == said
    assert answer.json["error"]["details"][0]["metadata"]["permission"] == permission


def test_who_may_not_cannot_tell_what_exists(ask: Asker, fake: SecretManager) -> None:
    token = fake.accept()
    there, nowhere = ask.secret(), f"{ask.parent}/secrets/nothing"
    answers = {
        ask("GET", name, token=token).json["error"]["message"] for name in (there, nowhere)
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "{parent}/secrets", "secrets.list"),
        ("POST", "{parent}/secrets?secretId=s", "secrets.create"),
        ("GET", "{secret}", "secrets.get"),
        ("PATCH", "{secret}?updateMask=labels", "secrets.update"),
        ("DELETE", "{secret}", "secrets.delete"),
        ("POST", "{secret}:addVersion", "versions.add"),
        ("GET", "{secret}/versions", "versions.list"),
        ("GET", "{secret}/versions/1", "versions.get"),
        ("GET", "{secret}/versions/1:access", "versions.access"),
        ("POST", "{secret}/versions/1:disable", "versions.disable"),
        ("POST", "{secret}/versions/1:enable", "versions.enable"),
        ("POST", "{secret}/versions/1:destroy", "versions.destroy"),
        ("GET", "{secret}:getIamPolicy", "secrets.getIamPolicy"),
        ("POST", "{secret}:setIamPolicy", "secrets.setIamPolicy"),
    ],
)
def test_each_method_needs_its_permission(
    ask: Asker, fake: SecretManager, method: str, path: str, permission: str
) -> None:
    place = path.format(parent=ask.parent, secret=f"{ask.parent}/secrets/nothing")
    body: Any = {} if method in {"POST", "PATCH"} else None
    answer = ask(method, place, body, token=fake.accept())
    assert answer.json["error"]["details"][0]["metadata"]["permission"] == (
        f"secretmanager.{permission}"
    )
    allowed = fake.accept(f"secretmanager.{permission}")
    assert ask(method, place, body, token=allowed).status != 403


def test_a_condition_on_the_name(ask: Asker, fake: SecretManager) -> None:
    mine, other = ask.secret(b"x"), ask.secret(b"x")
    token = fake.accept("*", prefix=mine)
    assert ask("GET", f"{mine}/versions/latest:access", token=token).status == 200
    assert ask("GET", f"{other}/versions/latest:access", token=token).status == 403
    assert ask("GET", f"{ask.parent}/secrets", token=token).status == 403
    held = ["secretmanager.versions.access", "secretmanager.versions.add"]
    token = fake.accept(held[0], prefix=mine)
    for name, found in ((mine, {"permissions": held[:1]}), (other, {})):
        tested = ask("POST", f"{name}:testIamPermissions", {"permissions": held}, token=token)
        assert tested.json == found


def test_permissions_on_what_is_not_there_are_none(ask: Asker) -> None:
    asked = {"permissions": ["secretmanager.versions.access"]}
    assert ask("POST", f"{ask.secret()}:testIamPermissions", asked).json == asked
    assert ask("POST", f"{ask.parent}/secrets/nothing:testIamPermissions", asked).json == {}


def test_permissions_are_not_asked_for_by_wildcards(ask: Asker) -> None:
    answer = ask("POST", f"{ask.secret()}:testIamPermissions", {"permissions": ["a.*"]})
    assert answer.error[:2] == (400, "INVALID_ARGUMENT")


def test_a_policy_is_kept_under_its_etag(ask: Asker) -> None:
    name = ask.secret()
    before = ask("GET", f"{name}:getIamPolicy").json
    binding = {"role": "roles/viewer", "members": ["user:somebody@example.test"]}
    policy = {"policy": {"bindings": [binding], **before}}
    kept = ask("POST", f"{name}:setIamPolicy", policy).json
    assert kept["bindings"] == [binding]
    assert ask("GET", f"{name}:getIamPolicy").json == kept
    assert ask("POST", f"{name}:setIamPolicy", {"policy": kept}).json["etag"] != kept["etag"]
    assert ask("POST", f"{name}:setIamPolicy", {"policy": kept}).error[:2] == (409, "ABORTED")


def test_projects(ask: Asker, fake: SecretManager) -> None:
    number = str(secrets.randbelow(10**11) + 10**11)
    fake.add_project(f"off-{number}", number, enabled=False)
    for project, reason in (
        ("nobodys-project", "CONSUMER_INVALID"),
        (f"off-{number}", "SERVICE_DISABLED"),
        (number, "SERVICE_DISABLED"),
    ):
        answer = ask("GET", f"projects/{project}/secrets")
        assert answer.error == (403, "PERMISSION_DENIED", reason)
    fake.add_project(f"off-{number}", number)
    assert ask("GET", f"projects/{number}/secrets").status == 200


def test_the_project_that_pays(ask: Asker, fake: SecretManager) -> None:
    path = f"{ask.parent}/secrets"
    reader = fake.accept("secretmanager.secrets.list")
    payer = fake.accept("secretmanager.secrets.list", "serviceusage.services.use")
    assert ask("GET", path, token=payer, x_goog_user_project=fake.project).status == 200
    for token, project in ((reader, fake.project), (payer, "nobodys-project")):
        answer = ask("GET", path, token=token, x_goog_user_project=project)
        assert answer.error == (403, "PERMISSION_DENIED", "USER_PROJECT_DENIED")


def test_calls_are_noted_without_their_tokens(ask: Asker, fake: SecretManager) -> None:
    fake.forget()
    token = fake.accept()
    ask("GET", f"{ask.parent}/secrets", token=token, x_goog_user_project="nobodys-project")
    (call,) = fake.calls()
    assert (call["transport"], call["method"]) == ("rest", "ListSecrets")
    assert (call["resource"], call["status"]) == (ask.parent, "PERMISSION_DENIED")
    assert call["headers"]["x-goog-user-project"] == "nobodys-project"
    assert token not in json.dumps(call)


# -- what a service account signs for itself


class Account:
    """A service account with a key, known to the fake. Google's own library signs."""

    email = "robot@skykeep-tests.iam.gserviceaccount.com"
    kid = "key-1"

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        self.public = (
            key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def token(self, *, kid: str = "", **claims: Any) -> str:
        """A right one, but for these claims."""
        now = int(time.time())
        who = {"iss": self.email, "sub": self.email, "aud": SERVICE}
        right = {**who, "iat": now, "exp": now + 3600}
        signer = crypt.RSASigner.from_string(self.private, kid or self.kid)  # type: ignore[no-untyped-call]  # it has no types
        return str(jwt.encode(signer, {**right, **claims}).decode())  # type: ignore[no-untyped-call]  # nor has it


@pytest.fixture(scope="module")
def account() -> Account:
    return Account()


def test_a_service_account_signs_for_itself(fake: SecretManager, account: Account) -> None:
    fake.trust(account.email, account.kid, account.public)
    information = {
        "client_email": account.email,
        "private_key_id": account.kid,
        "private_key": account.private,
        "token_uri": "https://oauth2.test/token",
    }
    for change in ({"scopes": [SCOPE]}, {"default_scopes": [SCOPE]}):
        credentials: Any = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # it has no types
            information, **change, always_use_jwt_access=True
        )
        credentials._create_self_signed_jwt(SERVICE)
        credentials.refresh(None)
        with google_client(fake, token=credentials.token) as client:
            parent = f"projects/{fake.project}"
            assert client.list_secrets(request={"parent": parent, "page_size": 1})


def test_tokens_that_a_service_account_signed_wrongly(
    ask: Asker, fake: SecretManager, account: Account
) -> None:
    fake.trust(account.email, account.kid, account.public, "secretmanager.secrets.list")
    now = int(time.time())
    path = f"{ask.parent}/secrets"
    assert ask("GET", path, token=account.token()).status == 200
    assert ask("GET", path, token=account.token(aud="", scope=f"a {SCOPE}")).status == 200
    for wrong in (
        account.token(aud="https://storage.googleapis.com/"),
        account.token(sub="somebody@example.test"),
        account.token(iss="somebody@example.test"),
        account.token(iat=now - 7200, exp=now - 3600),
        account.token(exp=now + 3601 + 60),
        account.token(iat=now + 600, exp=now + 1200),
        account.token(kid="key-2"),
        account.token()[:-8] + "AAAAAAAA",
        Account().token(),
    ):
        assert ask("GET", path, token=wrong).status == 401
    nowhere = ask("GET", f"{path}/nothing", token=account.token())
    assert nowhere.error == (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")


# -- on the way


def test_over_tls(secret_manager_tls: SecretManager, authority: Authority) -> None:
    with google_client(secret_manager_tls, ca=authority.ca.read_bytes()) as client:
        parent = f"projects/{secret_manager_tls.project}"
        made = client.create_secret(parent=parent, secret_id="over-tls", secret=AUTOMATIC)
        assert client.get_secret(name=made.name) == made
    with pytest.raises(OSError, match="certificate verify failed"):
        verified(secret_manager_tls)


def verified(fake: SecretManager) -> None:
    """Ask over HTTPS as anybody would, who does not know the authority."""
    host, _, port = fake.address.partition("//")[2].partition(":")
    connection = HTTPSConnection(host, int(port), context=ssl.create_default_context())
    try:
        connection.request("GET", "/")
    finally:
        connection.close()


def test_the_control_is_not_where_secrets_are(fake: SecretManager) -> None:
    assert status_of(f"{fake.address}/_fake/calls") == 404
    assert status_of(f"{fake.control}/_fake/calls") == 200
