"""Tools that somebody logged in with, and the chain of all ways to log in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import ConfigError, Unauthenticated
from skykeep.providers.azure.credentials.chain import Chain
from skykeep.providers.azure.credentials.tokens import Ask, Missed, Token, made
from tests.peers.fakes.azure_hosts import (
    Imds,
    az,
    az_that_says,
    tool,
)
from tests.peers.fakes.entra import Entra
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.providers.azure.logins import SCOPE, SERVICE, Logins

pytestmark = pytest.mark.asyncio


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH; the library reads the process's own."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize("method", ["default", "cli"])
async def test_the_azure_cli(
    logins: Logins, entra: Entra, bin_folder: Path, method: str
) -> None:
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    made = await logins({"PATH": az(bin_folder, token)}, method)
    assert await made.token(SCOPE, None) == token
    assert made.source == "the Azure CLI (az login)"
    assert await made.token(SCOPE, TENANT) == token, "the same tenant"
    asked = bin_folder / "asked"
    assert asked.read_text() == "https://vault.azure.net\n"


async def test_the_azure_cli_is_asked_for_the_tenant_of_the_vault(
    logins: Logins, entra: Entra, bin_folder: Path
) -> None:
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    made = await logins({"PATH": az(bin_folder, token)}, "cli")
    await made.token(SCOPE, "another.example")
    asked = bin_folder / "asked"
    assert asked.read_text() == "https://vault.azure.net --tenant another.example\n"
    mine = await logins({"PATH": str(bin_folder)}, "cli", tenant=TENANT)
    with pytest.raises(Unauthenticated, match="allowed_tenants"):
        await mine.token(SCOPE, "11111111-0000-4000-8000-222222222222")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("ERROR: Please run 'az login' to setup account.", "az login"),
        ("ERROR: AADSTS50076: Due to a configuration change, use MFA.", "AADSTS50076"),
        ('ERROR: {"accessToken": "canary-token"}', "****"),
        ("", "ClientAuthenticationError"),
    ],
)
async def test_an_azure_cli_that_is_not_logged_in(
    logins: Logins, bin_folder: Path, words: str, shown: str
) -> None:
    environ = {"PATH": az_that_says(bin_folder, words)}
    for method in ("cli", "default"):
        error = await logins.refusal(Unauthenticated, environ, method, "canary-token")
        assert shown in str(error)


async def test_a_tool_that_is_not_installed(logins: Logins, bin_folder: Path) -> None:
    for method, name in (("cli", "az"), ("azd", "azd"), ("powershell", "pwsh")):
        error = await logins.refusal(Unauthenticated, {"PATH": str(bin_folder)}, method)
        assert f"{name} is not installed" in str(error)


async def test_the_azure_cli_cannot_answer_a_claims_challenge(
    logins: Logins, entra: Entra, bin_folder: Path
) -> None:
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    made = await logins({"PATH": az(bin_folder, token)}, "cli")
    await made.token(SCOPE, None)
    with pytest.raises(Unauthenticated, match="az login --claims-challenge"):
        await made.another(SCOPE, token, None, '{"access_token": {}}')


async def test_the_developer_cli(logins: Logins, entra: Entra, bin_folder: Path) -> None:
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    said = {"token": token, "expiresOn": "2999-01-01T00:00:00Z"}
    folder = tool(bin_folder, "azd", f"print(json.dumps({said!r}))")
    made = await logins({"PATH": folder}, "azd")
    assert await made.token(SCOPE, None) == token
    assert "azd" in made.source


async def test_power_shell(logins: Logins, entra: Entra, bin_folder: Path) -> None:
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    tool(bin_folder, "sh", "os.execv(sys.argv[2].split()[0], sys.argv[2].split())")
    folder = tool(bin_folder, "pwsh", f"print('azsdk%{token}%32503680000')")
    made = await logins({"PATH": folder}, "powershell")
    assert await made.token(SCOPE, None) == token


# -- the chain


async def test_all_that_was_missed_is_named(logins: Logins, bin_folder: Path) -> None:
    error = await logins.refusal(Unauthenticated, {"PATH": str(bin_folder)})
    for word in (
        "environment: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET or",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE",
        "managed identity: no answer from IMDS",
        "az: az is not installed",
        "pwsh: pwsh is not installed",
        "azd: azd is not installed",
    ):
        assert word in error.message


async def test_a_link_that_is_there_and_fails_ends_the_chain(
    logins: Logins, imds: Imds
) -> None:
    wrong = {**SERVICE, "AZURE_CLIENT_SECRET": "canary-wrong"}
    wrong["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = imds.address
    error = await logins.refusal(Unauthenticated, wrong)
    assert "AADSTS7000215" in str(error)
    assert not imds.asked


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("prod", {"environment", "workload identity", "managed identity"}),
        ("dev", {"az", "pwsh", "azd"}),
        ("AzureCliCredential", {"az"}),
        ("EnvironmentCredential", {"environment"}),
    ],
)
async def test_the_chain_can_be_narrowed(
    logins: Logins, bin_folder: Path, said: str, asked: set[str]
) -> None:
    environ = {"PATH": str(bin_folder), "AZURE_TOKEN_CREDENTIALS": said}
    error = await logins.refusal(Unauthenticated, environ)
    links = {"environment", "workload identity", "managed identity", "az", "pwsh", "azd"}
    assert {name for name in links if f"{name}: " in error.message} == asked


async def test_the_chain_narrowed_to_nothing(logins: Logins) -> None:
    with pytest.raises(ConfigError, match="AZURE_TOKEN_CREDENTIALS"):
        await logins({"AZURE_TOKEN_CREDENTIALS": "nonsense"})


async def test_who_was_found_is_asked_again(
    logins: Logins, entra: Entra, bin_folder: Path
) -> None:
    first = entra.token(OWNER, TENANT, "https://vault.azure.net")
    made = await logins({"PATH": az(bin_folder, first)})
    assert await made.token(SCOPE, None) == first
    az_that_says(bin_folder, "Please run 'az login' to setup account.")
    with pytest.raises(Unauthenticated, match=r"az: .*az login"):
        await made.another(SCOPE, first, None)
    second = entra.token(OWNER, TENANT, "https://vault.azure.net")
    az(bin_folder, second)
    assert await made.token(SCOPE, None) == second


def options(**auth: Any) -> dict[str, Any]:
    return auth


@pytest.mark.parametrize(
    "auth",
    [
        options(method="cli", client_id="x"),
        options(method="managed_identity", client_id="x", resource_id="y"),
        options(method="client_secret", client_secret_env="A", client_secret_file="b"),
        options(method="client_secret", tenant="a/b"),
        options(method="client_secret", tenant="*"),
        options(method="client_secret", allowed_tenants=["a/b"]),
        options(method="certificate", client_secret_env="A"),
        options(method="environment", tenant="x"),
        options(client_secret="canary"),
    ],
)
async def test_settings_that_contradict_themselves(
    logins: Logins, auth: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="auth") as caught:
        await logins({}, auth.pop("method", "default"), **auth)
    assert "canary" not in str(caught.value)


async def test_a_tool_that_fails_is_no_reason_not_to_try_the_next(
    logins: Logins, entra: Entra, bin_folder: Path
) -> None:
    az_that_says(bin_folder, "ERROR: AADSTS50076: Due to a configuration change, use MFA.")
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    said = {"token": token, "expiresOn": "2999-01-01T00:00:00Z"}
    folder = tool(bin_folder, "azd", f"print(json.dumps({said!r}))")
    assert await logins.token({"PATH": folder}) == token


class Fickle:
    """Is there the first time, and then no more."""

    name = source = "fickle"

    def __init__(self) -> None:
        self.asked = 0

    async def token(self, ask: Ask) -> Token:
        self.asked += 1
        if self.asked > 1:
            raise Missed("logged out")
        return made("opaque", "fickle", 60)

    async def close(self) -> None:
        """Nothing."""

    def after_fork(self) -> None:
        """Nothing."""


async def test_a_link_that_is_gone_is_not_asked_twice() -> None:
    link = Fickle()
    chain = Chain([link])
    await chain.token(Ask(SCOPE))
    with pytest.raises(Unauthenticated, match="fickle: logged out"):
        await chain.token(Ask(SCOPE))
    assert link.asked == 2
