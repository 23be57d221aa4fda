"""The variables and certificates of the vault command, and what a configuration may say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from skykeep.errors import ConfigError, Unauthenticated, Unavailable
from skykeep.providers.vault.settings import KEYS, AuthSettings
from tests.peers.certificates import Authority
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import refusal, session, settings, who

pytestmark = pytest.mark.asyncio

# -- TLS


async def test_the_variables_of_the_vault_command(
    openbao_tls: OpenBao, authority: Authority
) -> None:
    environ = {"VAULT_ADDR": openbao_tls.address, "VAULT_TOKEN": openbao_tls.token}
    with pytest.raises(Unavailable, match="authority"):
        await who(session(environ))
    assert await who(session({**environ, "VAULT_CACERT": str(authority.ca)})) != ""


@pytest.mark.parametrize("by", ["variables", "configuration"])
async def test_a_certificate_logs_in(
    openbao_tls: OpenBao, authority: Authority, by: str
) -> None:
    mount = openbao_tls.auth("cert")
    issued = authority.issue("web")
    role = {"certificate": authority.ca.read_text(), "token_policies": ["default"]}
    openbao_tls.call("POST", f"auth/{mount}/certs/web", role)
    files = {
        "VAULT_CACERT": str(authority.ca),
        "VAULT_CLIENT_CERT": str(issued.certificate),
        "VAULT_CLIENT_KEY": str(issued.key),
    }
    auth = {"method": "cert", "mount": mount, "role": "web"}
    if by == "variables":
        made = session(files, address=openbao_tls.address, auth=auth)
    else:
        tls = dict(zip(("ca", "cert", "key"), files.values(), strict=True))
        made = session({}, address=openbao_tls.address, auth=auth, tls=tls)
    assert await who(made) == f"auth/{mount}/login"


async def test_no_certificate(openbao_tls: OpenBao, authority: Authority) -> None:
    mount = openbao_tls.auth("cert")
    environ = {"VAULT_CACERT": str(authority.ca)}
    auth = {"method": "cert", "mount": mount}
    made = session(environ, address=openbao_tls.address, auth=auth)
    await refusal(made, Unauthenticated)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VAULT_SKIP_VERIFY", "true"),
        ("VAULT_SKIP_VERIFY", "1"),
        ("VAULT_TLS_SERVER_NAME", "vault.example"),
        ("VAULT_CAPATH", "/etc/ssl"),
        ("VAULT_CACERT_BYTES", "-----BEGIN"),
    ],
)
async def test_what_cannot_be_honoured_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        session({name: value})
    assert name in str(caught.value)
    assert caught.value.hint


async def test_what_changes_nothing_is_let_pass(authority: Authority) -> None:
    session({"VAULT_SKIP_VERIFY": "false"})
    session({"VAULT_CAPATH": "/etc/ssl"}, tls={"ca": str(authority.ca)})


# -- what a configuration may say


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"method": "approle", "username": "ada"}, "username is not for"),
        ({"method": "token", "role": "app"}, "role is not for"),
        ({"method": "userpass"}, "username is needed"),
        ({"method": "kubernetes"}, "role is needed"),
        ({"method": "jwt"}, "jwt_file or auth.jwt_env"),
        ({"method": "approle", "role_id_file": "a", "role_id_env": "b"}, "not both"),
        ({"method": "approle", "secret_id_path": "a"}, "wrapped"),
        ({"method": "approle", "mount": "../sys"}, "no mount"),
        ({"method": "magic"}, "Invalid enum"),
        ({"method": "userpass", "username": "a", "password": "b"}, "unknown field"),
    ],
)
async def test_mistakes(auth: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        settings(auth=auth)


async def test_every_key_belongs_to_a_method() -> None:
    assert set().union(*KEYS.values()) == set(AuthSettings.__struct_fields__) - {"method"}


@pytest.mark.parametrize("prefix", ["/app/", "a//b", "../sys/", "./", "a/.."])
async def test_a_prefix_that_leads_elsewhere(prefix: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="secret_prefix"):
        settings(secret_prefix=prefix)
