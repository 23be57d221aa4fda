"""``make test-live`` works and leaves nothing behind: shown on servers of our own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.peers.aws import ACCESS_KEY, REGION, SECRET_KEY
from tests.peers.azure import KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import CLIENT, Entra
from tests.peers.fakes.key_vault_settings import TENANT
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server
from tests.repo.tree import ROOT

SOME = (
    "test_an_updated_value_comes_back_byte_for_byte or test_pages_give_each_exactly_once[5]"
    " or test_a_tombstone_is_described_and_listed_apart"
)


def live(
    target: str, prefix: str, some: str, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run some cases of the suite as ``make test-live`` does."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", some, "tests/live/suite.py"],
        cwd=ROOT,
        env={
            **os.environ,
            **environ,
            "SKYKEEP_LIVE_TARGET": target,
            "SKYKEEP_LIVE_PREFIX": prefix,
        },
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.slow
def test_on_vault(openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    target = f"{{backend: vault, address: '{openbao.address}', mount: {mount}}}"
    environ = {"VAULT_TOKEN": openbao.token}
    ended = live(target, "live/", SOME, environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 passed" in ended.stdout
    assert openbao.ask("LIST", f"{mount}/metadata/")[0] == 404, "nothing is left"
    openbao.call("POST", f"{mount}/data/live/forgotten", {"data": {"value": "v"}})
    ended = live(target, "live/", "test_an_empty_store", environ)
    assert ended.returncode == 1
    assert "cases left these behind; they were removed now: ['forgotten']" in ended.stdout
    assert openbao.ask("LIST", f"{mount}/metadata/")[0] == 404


@pytest.mark.slow
@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
def test_on_aws(moto_mended: Server, service: str) -> None:
    target = f"{{backend: aws, region: {REGION}, service: {service}}}"
    environ = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": moto_mended.address,
    }
    ended = live(target, "live/", SOME, environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout


@pytest.mark.slow
def test_on_azure(key_vault: KeyVaults, authority: Authority) -> None:
    vault = key_vault.new()
    target = (
        f"{{backend: azure, vault_url: '{vault.address}', verify_challenge: false,"
        f" tls: {{ca: '{key_vault.ca}'}}}}"
    )
    secret = "made-up"
    with Entra(authority.issue().server(), key_vault.issuer) as entra:
        entra.register(secrets=[secret])
        environ = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": secret,
            "AZURE_AUTHORITY_HOST": entra.address,
            "SSL_CERT_FILE": str(authority.ca),
        }
        ended = live(target, "live/", f"{SOME} or test_a_long_name", environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "11 passed" in ended.stdout
