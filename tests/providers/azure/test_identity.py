"""Who we are, what we may, and the smallest role: enough, and nothing of it is spare."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from scripts.azure_roles import FOLDER, templates
from skykeep import Cloud
from skykeep.errors import Denied, NotFound, PendingDelete, Unauthenticated
from skykeep.interfaces.identity import Permission
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure import policy
from skykeep.providers.azure.identity import (
    NEEDLESS,
    AzureIdentity,
    open_identity,
    principal_of,
)
from skykeep.providers.azure.policy import NEEDS, PREFIX, Scope, access_policy, needs, role
from skykeep.settings.model import Environment
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.azure_hosts import MIRID, Imds
from tests.peers.fakes.entra import CLIENT, Entra
from tests.peers.fakes.key_vault_settings import ACTIONS, EVERYTHING, OWNER, TENANT
from tests.providers.azure.logins import SECRET, SERVICE
from tests.providers.azure.opening import Tokens, context, opened, settings

SOMEBODY = "5b0d0000-0000-4000-8000-000000000005"
Opener = Callable[..., Awaitable[AzureIdentity]]
models = pytest.mark.parametrize("model", ["policy", "rbac"])


@pytest.fixture
def entra(authority: Authority, key_vault: KeyVaults) -> Iterator[Entra]:
    with Entra(authority.issue().server(), key_vault.issuer) as fake:
        fake.register(secrets=[SECRET], oid=SOMEBODY)
        yield fake


@pytest_asyncio.fixture
async def opener(entra: Entra, key_vault: KeyVaults) -> AsyncIterator[Opener]:
    made: list[AzureIdentity] = []

    async def identity(
        vault: KeyVault, environ: dict[str, str] = SERVICE, **keys: Any
    ) -> AzureIdentity:
        given = target(vault, **keys)
        whole = {
            "AZURE_AUTHORITY_HOST": entra.address,
            "SSL_CERT_FILE": str(key_vault.ca),
            **environ,
        }
        made.append(await open_identity(given, context(whole)))
        return made[-1]

    yield identity
    for each in made:
        await each.close()


def target(vault: KeyVault, **keys: Any) -> Any:
    tls = {"ca": str(vault.vaults.ca)}
    return settings(vault_url=vault.address, tls=tls, verify_challenge=False, **keys)


def granted(key_vault: KeyVaults, *rights: str, model: str = "policy") -> KeyVault:
    grants = [{"oid": SOMEBODY, "permissions": list(rights)}, {"oid": OWNER}]
    return key_vault.new(model=model, grants=grants)


def by_action(found: Any) -> dict[str, Permission]:
    return {each.action.removeprefix(PREFIX): each for each in found}


# -- who


@pytest.mark.asyncio
async def test_an_application(key_vault: KeyVaults, entra: Entra, opener: Opener) -> None:
    made = await opener(granted(key_vault, "list"))
    found = await made.whoami()
    assert found.principal == f"application {CLIENT} (object {SOMEBODY})"
    assert found.source == "client secret from the variable AZURE_CLIENT_SECRET"
    assert found.account == TENANT
    assert found.renewable
    assert found.expires_at is not None
    assert len(entra.forms) == 1


@pytest.mark.asyncio
@models
async def test_who_may_nothing_is_somebody(
    key_vault: KeyVaults, opener: Opener, model: str
) -> None:
    made = await opener(granted(key_vault, model=model))
    assert SOMEBODY in (await made.whoami()).principal


@pytest.mark.asyncio
async def test_a_managed_identity(key_vault: KeyVaults, entra: Entra, opener: Opener) -> None:
    with Imds(entra.token) as host:
        made = await opener(
            key_vault.new(),
            {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host.address},
            auth={"method": "managed_identity"},
        )
        found = await made.whoami()
    name = MIRID.rpartition("/")[2]
    assert found.principal == f"managed identity {name} (object {OWNER})"
    assert found.source == "managed identity (IMDS)"


def test_other_principals() -> None:
    assert principal_of({"oid": "1", "upn": "ada@example.com"}) == (
        "user ada@example.com (object 1)"
    )
    assert principal_of({"oid": "1", "azp": "2"}) == "application 2 (object 1)"
    assert principal_of({"oid": "1"}) == "object 1"
    assert principal_of({}) == "object unknown"


@pytest.mark.asyncio
async def test_a_token_that_the_vault_does_not_accept(
    key_vault: KeyVaults, opener: Opener
) -> None:
    other = "11111111-0000-4000-8000-222222222222"
    made = await opener(key_vault.new(tenant=other))
    for work in (made.whoami(), made.permissions()):
        with pytest.raises(Unauthenticated, match="allowed_tenants"):
            await work


@pytest.mark.asyncio
async def test_a_vault_that_lets_nobody_in(key_vault: KeyVaults, opener: Opener) -> None:
    made = await opener(key_vault.new(firewall=True))
    for work in (made.whoami(), made.permissions()):
        with pytest.raises(Denied, match="firewall"):
            await work


@pytest.mark.asyncio
async def test_a_wrong_secret(key_vault: KeyVaults, opener: Opener) -> None:
    made = await opener(key_vault.new(), {**SERVICE, "AZURE_CLIENT_SECRET": "wrong"})
    with pytest.raises(Unauthenticated, match="the client secret is wrong"):
        await made.whoami()


# -- what


@pytest.mark.asyncio
@models
@pytest.mark.parametrize("read_only", [True, False])
async def test_the_smallest_rights_have_all_and_nothing_needless(
    key_vault: KeyVaults, opener: Opener, model: str, read_only: bool
) -> None:
    rights = (
        policy.permissions(read_only=read_only)
        if model == "policy"
        else rbac(needs(read_only=read_only))
    )
    made = await opener(granted(key_vault, *rights, model=model))
    found = await made.permissions()
    assert not [each for each in found if each.needless]
    missing = {each.action.removeprefix(PREFIX) for each in found if each.missing}
    writing = {need.action for need in NEEDS if need.writes}
    if model == "rbac":
        writing -= {"setSecret/action"}  # cannot be tried
    assert missing == (writing if read_only else set())


def rbac(wanted: Any) -> list[str]:
    """The fake's names of data actions."""
    actions = {f"secrets/{need.action}" for need in wanted}
    found = [name for name, action in ACTIONS.items() if action in actions]
    assert len(found) == len(actions)
    return found


@pytest.mark.asyncio
@models
async def test_each_right_is_told_from_the_others(
    key_vault: KeyVaults, opener: Opener, model: str
) -> None:
    for need in NEEDS:
        rights = [need.permission] if model == "policy" else rbac([need])
        made = await opener(granted(key_vault, *rights, model=model))
        found = by_action(await made.permissions())
        alike = {need.action}
        if model == "policy":
            alike = {each.action for each in NEEDS if each.permission == need.permission}
        for action, each in found.items():
            right = action in alike
            if model == "rbac" and action == "setSecret/action":
                assert (each.allowed, each.how) == (None, "not tried")
            else:
                assert (each.allowed, each.how) == (right, "tried"), (need, action)


@pytest.mark.asyncio
@models
async def test_what_is_needless_is_named(
    key_vault: KeyVaults, opener: Opener, model: str
) -> None:
    made = await opener(granted(key_vault, *EVERYTHING, model=model))
    found = await made.permissions()
    assert {each.action for each in found if each.needless} == set(NEEDLESS)
    assert not [each for each in found if each.missing]


@pytest.mark.asyncio
async def test_it_is_tried_under_the_prefix(key_vault: KeyVaults, opener: Opener) -> None:
    vault = granted(key_vault, "get")
    made = await opener(vault, secret_prefix="myapp/")
    await made.permissions()
    targets = [each["target"] for each in vault.requests()]
    probes = [each for each in targets if "skykeep-probe" in each]
    assert len(probes) > 5
    assert all("/myapp--skykeep-probe-" in each for each in probes)
    assert "--condition" in made.policy().hint


@pytest.mark.asyncio
async def test_nothing_is_changed_by_looking(key_vault: KeyVaults, opener: Opener) -> None:
    vault = key_vault.new(grants=[{"oid": SOMEBODY}, {"oid": OWNER}])
    driver = opened(vault)
    await driver.create("a", SecretValue("one"), Attributes())
    before = await driver.versions("a")
    made = await opener(vault)
    await made.whoami()
    await made.permissions()
    assert await driver.versions("a") == before
    for deleted in (True, False):
        page = await driver.list("", cursor=None, limit=5, deleted=deleted)
        assert [each.name for each in page.items] == ([] if deleted else ["a"])
    await driver.close()


@pytest.mark.asyncio
async def test_through_the_front_door(key_vault: KeyVaults, entra: Entra) -> None:
    vault = granted(key_vault, "list", "get")
    environ = {
        **SERVICE,
        "AZURE_AUTHORITY_HOST": entra.address,
        "SSL_CERT_FILE": str(key_vault.ca),
    }
    async with Cloud(Environment(primary=target(vault)), environ=environ) as cloud:
        assert CLIENT in (await cloud.identity.whoami()).principal
        assert await cloud.identity.permissions()
        found = await cloud.identity.policy(read_only=True)
        assert found.language == "Azure role definition JSON"
        assert SOMEBODY in found.hint, "it says for whom"


# -- roles


def test_the_templates_are_those_of_the_code() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*")}
    assert found == templates(), "run scripts/azure_roles.py"


def test_what_a_role_says() -> None:
    scope = Scope.of(settings(vault="till", account="0000"))
    made = json.loads(role(scope, read_only=True))
    assert made["DataActions"] == [
        # Those of the built-in role Key Vault Secrets User.
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    ]
    assert made["Actions"] == []
    assert made["AssignableScopes"] == ["/subscriptions/0000/resourceGroups/GROUP"]
    assert scope.resource.endswith("/providers/Microsoft.KeyVault/vaults/till")
    line = policy.hint(scope, "OBJECT_ID", read_only=True)
    assert "--role 'Key Vault Secrets User'" in line
    assert "--secret-permissions get list" in line
    assert "\n" not in line
    line = policy.hint(scope, "OBJECT_ID", read_only=False)
    assert "az role definition create" in line
    assert "--secret-permissions get list set delete recover purge" in line
    assert json.loads(access_policy(read_only=True))["permissions"] == {
        "secrets": ["get", "list"]
    }


def test_the_vault_is_named_by_its_address() -> None:
    assert Scope.of(settings(vault_url="https://till.vault.azure.net/")).vault == "till"


async def everything_that_reads(driver: Any) -> None:
    await driver.get("a")
    await driver.describe("a")
    await driver.versions("a")
    page = await driver.list("", cursor=None, limit=5)
    assert [each.name for each in page.items] == ["a"]


async def everything_that_writes(driver: Any) -> None:
    await driver.create("b", SecretValue("one"), Attributes(tags={"a": "b"}))
    await driver.update("b", SecretValue("two"), Attributes())
    await driver.annotate("b", Attributes(tags={"a": "c"}))
    await driver.delete("b")
    await driver.list("", cursor=None, limit=5, deleted=True)
    await driver.restore("b")
    await driver.delete("b")
    await driver.purge("b")


@pytest.mark.asyncio
@models
@pytest.mark.parametrize("read_only", [True, False])
async def test_the_smallest_rights_are_enough_and_each_is_needed(
    key_vault: KeyVaults, model: str, read_only: bool
) -> None:
    rights = (
        policy.permissions(read_only=read_only)
        if model == "policy"
        else rbac(needs(read_only=read_only))
    )
    vault = granted(key_vault, *rights, model=model)
    root = opened(vault)
    await root.create("a", SecretValue("one"), Attributes())
    driver = opened(vault, tokens=Tokens(key_vault, SOMEBODY))

    async def tried() -> None:
        await everything_that_reads(driver)
        if not read_only:
            await everything_that_writes(driver)

    await tried()
    if read_only:
        with pytest.raises(Denied):
            await everything_that_writes(driver)
    for right in rights:
        rest = [each for each in rights if each != right]
        vault.change(grants=[{"oid": SOMEBODY, "permissions": rest}, {"oid": OWNER}])
        with pytest.raises(Denied):
            await tried()
        with suppress(NotFound, PendingDelete):  # as it was before
            await root.purge("b")
    await root.close()
    await driver.close()
