"""Every way to log in, on a server that checks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import ConfigError, Denied, Unauthenticated
from skykeep.providers.vault.answers import Lookup
from skykeep.providers.vault.session import Session
from tests.peers.certificates import Authority
from tests.peers.clients import Key, aws_client, aws_user
from tests.peers.fakes.kubernetes import REVIEWER, TokenReviews
from tests.peers.fakes.vault_logins import VaultLogins
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server
from tests.peers.tokens import Issuer
from tests.providers.vault.opening import refusal, session, who

pytestmark = pytest.mark.asyncio


# -- tokens


async def test_the_variable_goes_before_the_file(openbao: OpenBao, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("of the file\n")
    environ = {"HOME": str(tmp_path), "VAULT_TOKEN": f" {openbao.token}\n"}
    assert await who(session(environ, address=openbao.address)) == "auth/token/create"


async def test_the_file_of_the_vault_command(openbao: OpenBao, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(f"{openbao.token}\n")
    environ = {"HOME": str(tmp_path)}
    assert await who(session(environ, address=openbao.address)) == "auth/token/create"


async def test_a_named_file_is_the_only_place(openbao: OpenBao, tmp_path: Path) -> None:
    sink = tmp_path / "sink"
    auth = {"token_file": str(sink)}
    environ = {"VAULT_TOKEN": openbao.token}
    error = await refusal(session(environ, address=openbao.address, auth=auth), Unauthenticated)
    assert str(sink) in str(error)
    sink.write_text(openbao.token)
    assert await who(session({}, address=openbao.address, auth=auth)) == "auth/token/create"


async def test_no_token_anywhere(openbao: OpenBao, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    error = await refusal(session(environ, address=openbao.address), Unauthenticated)
    assert "VAULT_TOKEN" in str(error)


async def test_a_file_that_cannot_be_read(openbao: OpenBao, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").mkdir()  # root reads every file
    await refusal(session({"HOME": str(tmp_path)}, address=openbao.address), Denied)


# -- AppRole


def approle(openbao: OpenBao, environ: dict[str, str], mount: str, **auth: Any) -> Session:
    return session(
        environ,
        address=openbao.address,
        auth={"method": "approle", "mount": mount, **auth},
    )


async def test_approle_by_variables(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    environ = {"VAULT_ROLE_ID": role.role_id, "VAULT_SECRET_ID": role.secret_id}
    assert await who(approle(openbao, environ, role.mount)) == f"auth/{role.mount}/login"


async def test_approle_by_files(openbao: OpenBao, tmp_path: Path) -> None:
    role = openbao.approle("default")
    (tmp_path / "role").write_text(f"{role.role_id}\n")
    (tmp_path / "secret").write_text(f"{role.secret_id}\n")
    made = approle(
        openbao,
        {},
        role.mount,
        role_id_file=str(tmp_path / "role"),
        secret_id_file=str(tmp_path / "secret"),
    )
    assert await who(made) == f"auth/{role.mount}/login"


async def test_approle_by_variables_of_other_names(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    environ = {"R": role.role_id, "S": role.secret_id}
    made = approle(openbao, environ, role.mount, role_id_env="R", secret_id_env="S")
    assert await who(made) == f"auth/{role.mount}/login"


@pytest.mark.parametrize("missing", ["VAULT_ROLE_ID", "VAULT_SECRET_ID"])
async def test_approle_without_one_of_the_two(openbao: OpenBao, missing: str) -> None:
    environ = {"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"}
    del environ[missing]
    error = await refusal(approle(openbao, environ, "approle"), Unauthenticated)
    assert missing in str(error)


async def test_a_wrong_secret_id(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    environ = {"VAULT_ROLE_ID": role.role_id, "VAULT_SECRET_ID": "canary-wrong"}
    error = await refusal(
        approle(openbao, environ, role.mount), Unauthenticated, "canary-wrong", role.role_id
    )
    assert "invalid role or secret ID" in str(error)


async def test_a_method_that_is_not_mounted(openbao: OpenBao) -> None:
    environ = {"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"}
    error = await refusal(approle(openbao, environ, "nowhere"), Unauthenticated)
    assert "auth.mount" in str(error)


# -- a wrapped secret id


def wrapped(openbao: OpenBao, mount: str, role_id: str, token: str, **auth: Any) -> Session:
    environ = {"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": token}
    return approle(openbao, environ, mount, secret_id_wrapped=True, **auth)


async def test_a_wrapped_secret_id(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    token = openbao.wrapped_secret_id(role)
    made = wrapped(openbao, role.mount, role.role_id, token)
    assert await who(made) == f"auth/{role.mount}/login"


async def test_it_is_unwrapped_once_and_logs_in_again(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    made = wrapped(openbao, role.mount, role.role_id, openbao.wrapped_secret_id(role))
    first = await made.token()
    openbao.call("POST", "auth/token/revoke", {"token": first.value})
    found = await made.call("GET", "auth/token/lookup-self", kind=Lookup)
    assert found.data.path == f"auth/{role.mount}/login"
    await made.close()


async def test_somebody_else_was_quicker(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    token = openbao.wrapped_secret_id(role)
    openbao.call("POST", "sys/wrapping/unwrap", token=token)
    made = wrapped(openbao, role.mount, role.role_id, token)
    error = await refusal(made, Unauthenticated, token)
    assert "somebody else may have unwrapped" in str(error)


@pytest.mark.parametrize("path", ["sys/wrapping/wrap", "another role"])
async def test_a_token_that_wraps_something_else_is_not_used(
    openbao: OpenBao, path: str
) -> None:
    role = openbao.approle("default")
    auth: dict[str, Any] = {}
    if path == "another role":
        token = openbao.wrapped_secret_id(role)
        auth = {"secret_id_path": f"auth/{role.mount}/role/another/secret-id"}
    else:
        forged = openbao.call("POST", path, {"secret_id": role.secret_id}, wrap="60s")
        token = forged["wrap_info"]["token"]
    made = wrapped(openbao, role.mount, role.role_id, token, **auth)
    error = await refusal(made, Unauthenticated, token)
    assert "another one in its place" in str(error)
    assert openbao.call("POST", "sys/wrapping/unwrap", token=token)["data"]["secret_id"]


# -- tokens of others


@pytest.mark.parametrize("by", ["file", "variable"])
async def test_jwt(openbao: OpenBao, tmp_path: Path, by: str) -> None:
    issuer = Issuer()
    role = openbao.jwt(issuer.public_key, "vault", "default")
    token = issuer.token("ada", "vault")
    file = tmp_path / "jwt"
    file.write_text(f"{token}\n")
    where = {"jwt_file": str(file)} if by == "file" else {"jwt_env": "TOKEN"}
    auth = {"method": "jwt", "mount": role.mount, "role": role.role, **where}
    made = session({"TOKEN": token}, address=openbao.address, auth=auth)
    assert await who(made) == f"auth/{role.mount}/login"


@pytest.mark.parametrize("wrong", ["ended", "audience", "signature"])
async def test_a_wrong_jwt(openbao: OpenBao, wrong: str) -> None:
    issuer = Issuer()
    role = openbao.jwt(issuer.public_key, "vault", "default")
    token = {
        "ended": lambda: issuer.token("ada", "vault", seconds=-600),
        "audience": lambda: issuer.token("ada", "elsewhere"),
        "signature": lambda: Issuer().token("ada", "vault"),
    }[wrong]()
    auth = {"method": "jwt", "mount": role.mount, "role": role.role, "jwt_env": "TOKEN"}
    made = session({"TOKEN": token}, address=openbao.address, auth=auth)
    await refusal(made, Unauthenticated, token)


async def test_kubernetes_reads_the_token_at_each_login(
    openbao: OpenBao, authority: Authority, tmp_path: Path
) -> None:
    with TokenReviews(authority.issue().server()) as cluster:
        role = openbao.kubernetes(
            cluster.address, authority.ca, REVIEWER, "shop/till", "default"
        )
        file = tmp_path / "token"
        file.write_text(cluster.token("shop", "till"))
        auth = {
            "method": "kubernetes",
            "mount": role.mount,
            "role": role.role,
            "jwt_file": str(file),
        }
        made = session({}, address=openbao.address, auth=auth)
        first = await made.token()
        file.write_text("no token any more")
        openbao.call("POST", "auth/token/revoke", {"token": first.value})
        with pytest.raises(Unauthenticated):
            await made.call("GET", "auth/token/lookup-self", kind=Lookup)
        file.write_text(cluster.token("shop", "till"))
        assert await who(made) == f"auth/{role.mount}/login"


async def test_a_service_account_of_another_namespace(
    openbao: OpenBao, authority: Authority
) -> None:
    with TokenReviews(authority.issue().server()) as cluster:
        role = openbao.kubernetes(
            cluster.address, authority.ca, REVIEWER, "shop/till", "default"
        )
        auth = {
            "method": "kubernetes",
            "mount": role.mount,
            "role": role.role,
            "jwt_env": "TOKEN",
        }
        environ = {"TOKEN": cluster.token("other", "till")}
        await refusal(session(environ, address=openbao.address, auth=auth), Unauthenticated)


# -- passwords


async def test_userpass(openbao: OpenBao) -> None:
    mount, name, password = openbao.userpass("default")
    auth = {"method": "userpass", "mount": mount, "username": name}
    made = session({"VAULT_PASSWORD": password}, address=openbao.address, auth=auth)
    assert await who(made) == f"auth/{mount}/login/{name}"
    made = session({"VAULT_PASSWORD": "canary-x"}, address=openbao.address, auth=auth)
    error = await refusal(made, Unauthenticated, "canary-x")
    assert name in str(error)


@pytest.fixture
def front(openbao: OpenBao, ministack: Server) -> Iterator[VaultLogins]:
    with VaultLogins(openbao, "default", sts=ministack.address) as running:
        yield running


async def test_ldap(front: VaultLogins, openbao: OpenBao, tmp_path: Path) -> None:
    front.users["ada"] = "correct"
    file = tmp_path / "password"
    auth = {"method": "ldap", "username": "ada", "password_file": str(file)}
    file.write_text("correct\n")
    assert await who(session({}, address=front.address, auth=auth)) == "auth/token/create"
    file.write_text("wrong\n")
    await refusal(session({}, address=front.address, auth=auth), Unauthenticated, "wrong\n")


# -- AWS


@pytest.fixture
def user(ministack: Server, monkeypatch: pytest.MonkeyPatch) -> Key:
    made = aws_user(ministack.address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.secret_key)
    return made


def aws_auth(front: VaultLogins, server: Server, user: Key) -> dict[str, Any]:
    sts = aws_client(
        "sts", server.address, access_key=user.access_key, secret_key=user.secret_key
    )
    front.roles["app"] = sts.get_caller_identity()["Arn"]
    sts.close()
    return {"method": "aws", "role": "app", "server_id": front.server_id}


@pytest.mark.parametrize("region", [None, "us-east-1", "eu-central-1"])
async def test_aws(
    front: VaultLogins, ministack: Server, user: Key, region: str | None
) -> None:
    auth = aws_auth(front, ministack, user)
    made = session({}, address=front.address, auth=auth, region=region)
    assert await who(made) == "auth/token/create"


@pytest.mark.parametrize("wrong", ["key", "server id", "role"])
async def test_aws_refuses(
    front: VaultLogins,
    ministack: Server,
    user: Key,
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
) -> None:
    auth = aws_auth(front, ministack, user)
    if wrong == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-made-up")
    elif wrong == "server id":
        auth["server_id"] = "elsewhere"
    else:
        auth["role"] = "admin"
    made = session({}, address=front.address, auth=auth)
    await refusal(made, Unauthenticated, user.secret_key, "canary-made-up")


async def test_aws_without_keys(openbao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    auth = {"method": "aws", "role": "app"}
    error = await refusal(session({}, address=openbao.address, auth=auth), Unauthenticated)
    assert "AWS credentials" in str(error)
    monkeypatch.setenv("AWS_PROFILE", "ops")
    error = await refusal(session({}, address=openbao.address, auth=auth), ConfigError)
    assert "get-caller-identity" in str(error)
