"""Vault's client against OpenBao, and what tests can set up in it."""

from __future__ import annotations

import ssl
from typing import Any

import hvac.exceptions
import pytest

from tests.peers.certificates import Authority
from tests.peers.clients import vault_client
from tests.peers.fakes.kubernetes import REVIEWER, TokenReviews
from tests.peers.openbao import OpenBao, Refused
from tests.peers.places import absences
from tests.peers.tokens import Issuer

READ = 'path "{mount}/*" {{ capabilities = ["read", "list"] }}'


def test_kv2_keeps_versions_and_checks_them(openbao: OpenBao) -> None:
    kv: Any = vault_client(openbao).secrets.kv.v2
    mount = openbao.kv(2)
    kv.create_or_update_secret("db", {"value": "one"}, cas=0, mount_point=mount)
    kv.create_or_update_secret("db", {"value": "two"}, cas=1, mount_point=mount)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set"):
        kv.create_or_update_secret("db", {"value": "three"}, cas=1, mount_point=mount)
    found = kv.read_secret_version(
        "db", version=1, mount_point=mount, raise_on_deleted_version=True
    )
    assert found["data"]["data"] == {"value": "one"}
    assert kv.list_secrets("", mount_point=mount)["data"]["keys"] == ["db"]


def test_kv1_keeps_one_value(openbao: OpenBao) -> None:
    kv: Any = vault_client(openbao).secrets.kv.v1
    mount = openbao.kv(1)
    kv.create_or_update_secret("db", {"value": "one"}, mount_point=mount)
    assert kv.read_secret("db", mount_point=mount)["data"] == {"value": "one"}


def test_an_empty_list_and_a_missing_secret_are_404(openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    assert openbao.ask("LIST", f"{mount}/metadata/") == (404, {"errors": []})
    assert openbao.ask("GET", f"{mount}/data/none")[0] == 404


def test_options_of_kv2_are_set(openbao: OpenBao) -> None:
    mount = openbao.kv(2, max_versions=3)
    assert openbao.call("GET", f"{mount}/config")["data"]["max_versions"] == 3


def test_a_namespace_does_not_see_the_others_mounts(openbao: OpenBao) -> None:
    team = openbao.new_namespace()
    mount = team.kv(2)
    team.call("POST", f"{mount}/data/db", {"data": {"value": "theirs"}})
    kv: Any = vault_client(team).secrets.kv.v2
    assert kv.read_secret_version("db", mount_point=mount, raise_on_deleted_version=True)
    with pytest.raises(Refused, match="404"):
        openbao.call("GET", f"{mount}/data/db")


def test_a_token_does_what_its_policy_allows(openbao: OpenBao) -> None:
    mount = openbao.kv(1)
    token = openbao.new_token(openbao.policy(READ.format(mount=mount)), ttl="1h")
    assert openbao.ask("GET", f"{mount}/none", token=token)[0] == 404
    assert openbao.ask("POST", f"{mount}/db", {"value": "x"}, token=token)[0] == 403
    assert openbao.ask("GET", f"{mount}/none", token="")[0] == 403


def test_a_role_logs_in_by_its_secret_id(openbao: OpenBao) -> None:
    role = openbao.approle("default", secret_id_num_uses=1)
    client = vault_client(openbao, token="")
    login: Any = client.auth.approle.login
    found = login(role.role_id, role.secret_id, mount_point=role.mount)
    assert "default" in found["auth"]["policies"]
    with pytest.raises(hvac.exceptions.InvalidRequest):  # it was good for one login
        login(role.role_id, role.secret_id, mount_point=role.mount)


def test_a_wrapped_secret_id_is_unwrapped_once(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    wrapping = openbao.wrapped_secret_id(role)
    secret_id = openbao.call("POST", "sys/wrapping/unwrap", token=wrapping)["data"]["secret_id"]
    body = {"role_id": role.role_id, "secret_id": secret_id}
    assert openbao.call("POST", f"auth/{role.mount}/login", body, token="")["auth"]
    with pytest.raises(Refused, match="wrapping token is not valid"):
        openbao.call("POST", "sys/wrapping/unwrap", token=wrapping)


def test_a_user_logs_in_by_password(openbao: OpenBao) -> None:
    mount, name, password = openbao.userpass("default")
    path = f"auth/{mount}/login/{name}"
    assert openbao.call("POST", path, {"password": password}, token="")["auth"]["renewable"]
    assert openbao.ask("POST", path, {"password": "wrong"}, token="")[0] == 400


def test_a_jwt_is_verified(openbao: OpenBao) -> None:
    issuer, stranger = Issuer(), Issuer()
    role = openbao.jwt(issuer.public_key, "vault", "default")

    def login(token: str) -> int:
        body = {"role": role.role, "jwt": token}
        return openbao.ask("POST", f"auth/{role.mount}/login", body, token="")[0]

    assert login(issuer.token("web", "vault")) == 200
    assert login(stranger.token("web", "vault")) == 400
    assert login(issuer.token("web", "another audience")) == 400
    assert login(issuer.token("web", "vault", seconds=-600)) == 400


def test_a_service_account_is_reviewed(openbao: OpenBao, authority: Authority) -> None:
    with TokenReviews(authority.issue().server()) as cluster:
        role = openbao.kubernetes(
            cluster.address, authority.ca, REVIEWER, "shop/web", "default"
        )

        def login(token: str) -> tuple[int, Any]:
            body = {"role": role.role, "jwt": token}
            return openbao.ask("POST", f"auth/{role.mount}/login", body, token="")

        status, answer = login(cluster.token("shop", "web"))
        assert status == 200, answer
        assert login(cluster.token("shop", "another"))[0] == 403
        assert login(Issuer().token("web", "api"))[0] in {400, 403, 500}
    assert cluster.asked[0].path == "/apis/authentication.k8s.io/v1/tokenreviews"


@pytest.mark.parametrize("method", ["ldap", "aws"])
def test_what_absent_toml_says_of_it_is_still_so(openbao: OpenBao, method: str) -> None:
    assert f"openbao-{method}" in absences()
    with pytest.raises(Refused, match=f"plugin not found in the catalog: {method}"):
        openbao.auth(method)


def test_a_sealed_one_answers_503_until_it_is_unsealed(openbao_sealable: OpenBao) -> None:
    vault = openbao_sealable
    mount = vault.kv(2)
    vault.call("POST", f"{mount}/data/db", {"data": {"value": "kept"}})
    vault.seal()
    try:
        assert vault.ask("GET", f"{mount}/data/db")[0] == 503
        assert vault.ask("GET", "sys/health")[0] == 503
        assert vault_client(vault).sys.read_seal_status()["sealed"]
    finally:
        vault.unseal()
    assert vault.call("GET", f"{mount}/data/db")["data"]["data"] == {"value": "kept"}


def test_the_one_behind_tls_shows_a_certificate_of_the_authority(openbao_tls: OpenBao) -> None:
    assert openbao_tls.address.startswith("https://")
    assert vault_client(openbao_tls).sys.read_health_status(method="GET")["initialized"]
    stranger = OpenBao(openbao_tls.server, openbao_tls.token)
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.call("GET", "sys/health")


def test_secrets_of_the_set_up_show_nowhere(openbao: OpenBao) -> None:
    role = openbao.approle("default")
    assert role.secret_id not in repr(role)
    assert openbao.token not in repr(openbao)
