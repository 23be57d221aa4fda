"""Who the server takes us for, what we may do, and whether the smallest policy is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
import pytest_asyncio

from scripts.vault_policies import FOLDER, templates
from skykeep import Cloud
from skykeep.errors import Denied, NotFound, Unauthenticated, Unsupported
from skykeep.interfaces.identity import Permission
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.identity import VaultIdentity, open_identity
from skykeep.providers.vault.policy import Scope, document
from skykeep.settings.model import Environment
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import context, opened, settings

NOTHING = Attributes()
VALUE, OTHER = SecretValue("one"), SecretValue("two")
STAMP = Stamp(1_767_225_600_000_000, bytes(range(16)))
Opener = Callable[..., Awaitable[VaultIdentity]]
PREFIXES = ["", "app/", "team/app-"]
both = pytest.mark.parametrize("version", [1, 2])


@pytest.fixture
def version() -> int:
    return 2


@pytest.fixture
def mount(openbao: OpenBao, version: int) -> str:
    return openbao.kv(version)


@pytest_asyncio.fixture
async def opener(openbao: OpenBao, mount: str) -> AsyncIterator[Opener]:
    made: list[VaultIdentity] = []

    async def identity(token: str, prefix: str = "app/") -> VaultIdentity:
        given = settings(address=openbao.address, mount=mount, secret_prefix=prefix)
        made.append(await open_identity(given, context({"VAULT_TOKEN": token})))
        return made[-1]

    yield identity
    for each in made:
        await each.close()


def under(openbao: OpenBao, hcl: str, **options: bool) -> str:
    return openbao.new_token(openbao.policy(hcl), **options)


def by_path(found: Sequence[Permission]) -> dict[str, set[str]]:
    answer: dict[str, set[str]] = {}
    for each in found:
        answer.setdefault(each.resource, set()).add(each.action)
    return answer


# -- who


@pytest.mark.asyncio
async def test_a_root_token(openbao: OpenBao, opener: Opener) -> None:
    made = await opener(openbao.token)
    found = await made.whoami()
    assert "root" in found.principal
    assert (found.source, found.expires_at, found.renewable) == ("VAULT_TOKEN", None, True)


@pytest.mark.asyncio
async def test_a_token_with_an_end(openbao: OpenBao, opener: Opener) -> None:
    token = openbao.new_token("default", ttl="1h", renewable=False)
    made = await opener(token)
    found = await made.whoami()
    assert found.expires_at is not None
    assert not found.renewable
    assert found.principal == "token (policies: default)"


@pytest.mark.asyncio
async def test_an_approle_in_a_namespace(openbao: OpenBao) -> None:
    team = openbao.new_namespace()
    role = team.approle("default", token_ttl="1h", token_max_ttl="1h")
    given = settings(
        address=openbao.address,
        namespace=team.namespace,
        auth={"method": "approle", "mount": role.mount},
    )
    environ = {"VAULT_ROLE_ID": role.role_id, "VAULT_SECRET_ID": role.secret_id}
    made = await open_identity(given, context(environ))
    found = await made.whoami()
    assert found.source == f"approle at auth/{role.mount}"
    assert found.account == team.namespace
    assert found.renewable, "by logging in again"
    await made.close()


@pytest.mark.asyncio
async def test_a_token_that_may_not_look_itself_up(openbao: OpenBao, opener: Opener) -> None:
    token = under(openbao, 'path "x" { capabilities = ["read"] }', no_default_policy=True)
    made = await opener(token)
    assert "may not look" in (await made.whoami()).principal
    assert {each.allowed for each in await made.permissions()} == {None}


@pytest.mark.asyncio
async def test_a_token_that_is_none(openbao: OpenBao, opener: Opener) -> None:
    made = await opener("s.none")
    for work in (made.whoami(), made.permissions()):
        with pytest.raises(Unauthenticated):
            await work


# -- what


@pytest.mark.asyncio
@both
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_smallest_policy_has_all_and_nothing_needless(
    openbao: OpenBao,
    opener: Opener,
    mount: str,
    version: int,
    prefix: str,
) -> None:
    for read_only in (True, False):
        text = document(Scope(mount, prefix, version), read_only=read_only)
        made = await opener(under(openbao, text), prefix)
        found = await made.permissions()
        assert not [each for each in found if each.needless]
        missing = {each.action for each in found if each.missing}
        writes = {"create", "update", "delete", *(["patch"] if version == 2 else [])}
        assert missing == (writes if read_only else set())
        assert made.policy(read_only=read_only).text == text


@pytest.mark.asyncio
@both
async def test_needless_rights_are_named(
    openbao: OpenBao, opener: Opener, mount: str, version: int
) -> None:
    rules = f"""
    path "{mount}/*" {{
      capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]
    }}
    path "sys/policies/acl/*" {{ capabilities = ["update"] }}
    """
    made = await opener(under(openbao, rules))
    found = await made.permissions()
    assert not [each for each in found if each.missing]
    needless = by_path([each for each in found if each.needless])
    part = "data/" if version == 2 else ""
    assert "sudo" in needless[f"{mount}/{part}app/*"]
    assert "read" in needless[f"outside: {mount}/{part}skykeep-elsewhere/*"]
    assert needless["sys/policies/acl/*"] == {"update"}
    if version == 2:
        assert "update" in needless[f"{mount}/destroy/app/*"]


@pytest.mark.asyncio
async def test_root_is_one_needless_right(openbao: OpenBao, opener: Opener) -> None:
    made = await opener(openbao.token)
    found = await made.permissions()
    assert [each.action for each in found if each.needless] == ["root"]
    assert not [each for each in found if each.missing]


@pytest.mark.asyncio
async def test_what_is_missing_is_named(openbao: OpenBao, opener: Opener, mount: str) -> None:
    rules = f'path "{mount}/data/app/*" {{ capabilities = ["read"] }}'
    made = await opener(under(openbao, rules))
    found = await made.permissions()
    allowed = [each for each in found if each.allowed]
    assert [(each.action, each.resource) for each in allowed] == [
        ("read", f"{mount}/data/app/*")
    ]
    assert "secrets.get" in allowed[0].operations


@pytest.mark.asyncio
async def test_nothing_of_the_mount_is_allowed(openbao: OpenBao, opener: Opener) -> None:
    made = await opener(openbao.new_token())
    found = await made.permissions()
    assert all(each.missing for each in found)
    assert "/data/app/*" in made.policy().text, "KV 2 is taken for granted"


@pytest.mark.asyncio
async def test_through_the_front_door(openbao: OpenBao, mount: str) -> None:
    environment = Environment(primary=settings(address=openbao.address, mount=mount))
    async with Cloud(environment, environ={"VAULT_TOKEN": openbao.token}) as cloud:
        assert "root" in (await cloud.identity.whoami()).principal
        assert await cloud.identity.permissions()
        assert (await cloud.identity.policy()).language == "Vault HCL"


# -- policies


def test_the_templates_are_those_of_the_code() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.hcl")}
    assert found == templates(), "run scripts/vault_policies.py"


async def everything_that_reads(driver: SecretDriver) -> None:
    await driver.get("a")
    await driver.describe("a")
    page = await driver.list("", cursor=None, limit=5)
    assert [each.name for each in page.items] == ["a", "in/it"]
    if driver.capabilities.versions:
        await driver.get("a", version="1")
        await driver.versions("a")


async def everything_that_writes(driver: SecretDriver) -> None:
    await driver.create("b", VALUE, Attributes(tags={"a": "b"} if tagged(driver) else {}))
    await driver.update("b", OTHER, Attributes(tags={"a": "c"} if tagged(driver) else {}))
    await driver.annotate("b", Attributes(tags={}))
    if driver.capabilities.stamps:
        await driver.update("b", VALUE, Attributes(stamp=STAMP))
        if (await driver.get("b")).stamp != STAMP:
            raise Denied("the value was written and its stamp was left out")
    await driver.delete("b")
    if driver.capabilities.soft_delete:
        await driver.restore("b")
        await driver.delete("b")
        await driver.list("", cursor=None, limit=5, deleted=True)
    else:
        with pytest.raises(Unsupported):
            await driver.restore("b")
        await driver.create("b", VALUE, NOTHING)
    await driver.purge("b")


def tagged(driver: SecretDriver) -> bool:
    return driver.capabilities.tags


@pytest.mark.asyncio
@both
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("read_only", [True, False])
async def test_the_smallest_policy_is_enough_and_each_line_of_it_is_needed(
    openbao: OpenBao, mount: str, version: int, prefix: str, read_only: bool
) -> None:
    scope = Scope(mount, prefix, version)
    root = await opened(openbao, mount, secret_prefix=prefix)
    await root.create("a", VALUE, NOTHING)
    await root.create("in/it", VALUE, NOTHING)

    async def tried(hcl: str) -> None:
        driver = await opened(
            openbao, mount, token=under(openbao, hcl), secret_prefix=prefix, kv=version
        )
        try:
            await everything_that_reads(driver)
            if not read_only:
                await everything_that_writes(driver)
        finally:
            await driver.close()

    text = document(scope, read_only=read_only)
    await tried(text)
    if read_only:
        less = await opened(openbao, mount, token=under(openbao, text), secret_prefix=prefix)
        with pytest.raises(Denied):
            await everything_that_writes(less)
        await less.close()
    for path, capabilities in scope.rules(read_only=read_only):
        for each in capabilities:
            rest = [
                (other, [one for one in given if (other, one) != (path, each)])
                for other, given in scope.rules(read_only=read_only)
            ]
            hcl = "".join(
                f'path "{other}" {{ capabilities = {given} }}\n'.replace("'", '"')
                for other, given in rest
                if given
            )
            with pytest.raises(Denied):
                await tried(hcl or 'path "x" { capabilities = ["read"] }')
            with suppress(NotFound):  # as it was before
                await root.purge("b")
    await root.close()


def test_names_in_the_policy_are_quoted() -> None:
    text = document(Scope("a/b", 'c"d/', 2), read_only=True)
    assert 'path "a/b/data/c\\"d/*" {' in text
