"""Who the API server takes us for, and what we may do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.errors import Unauthenticated
from skykeep.interfaces.identity import Permission
from skykeep.providers.kubernetes.credentials import Credential
from skykeep.providers.kubernetes.identity import KubernetesIdentity, end_of, open_identity
from skykeep.providers.kubernetes.identity import Rule as RoleRule
from skykeep.providers.kubernetes.policy import NEEDS
from skykeep.settings.model import Environment
from tests.peers.kube import Kube, Rule
from tests.peers.tokens import Issuer
from tests.providers.kubernetes.opening import context, settings
from tests.providers.kubernetes.roles import applied, configured, yaml_of

Opener = Callable[..., Awaitable[KubernetesIdentity]]


def secrets_rule(*verbs: str, **more: list[str]) -> Rule:
    return {"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs), **more}


@pytest.fixture
def space(kube: Kube) -> str:
    return kube.new_namespace()


@pytest_asyncio.fixture
async def opener(kube: Kube, tmp_path: Path, space: str) -> AsyncIterator[Opener]:
    made: list[KubernetesIdentity] = []

    async def identity(token: str | None = None, **user: Any) -> KubernetesIdentity:
        if token is not None:
            user["token"] = token
        given = configured(kube, tmp_path / f"config{len(made)}", space, user)
        made.append(await open_identity(given, context()))
        return made[-1]

    yield identity
    for each in made:
        await each.close()


def needless(found: Sequence[Permission]) -> set[tuple[str, str]]:
    return {(each.action, each.resource) for each in found if each.needless}


# -- who


@pytest.mark.asyncio
async def test_a_service_account_whose_token_has_an_end(
    kube: Kube, opener: Opener, space: str, tmp_path: Path
) -> None:
    account = kube.account(space)
    before = datetime.now(UTC)
    made = await opener(kube.token_of(account, 1200))
    found = await made.whoami()
    assert found.principal == f"{account.user} (groups: system:serviceaccounts:{space})"
    assert found.source == f"token in {tmp_path / 'config0'}"
    assert found.account == space
    assert found.expires_at is not None
    assert abs(found.expires_at - before - timedelta(seconds=1200)) < timedelta(seconds=30)
    assert not found.renewable


@pytest.mark.asyncio
async def test_a_token_whose_end_nobody_tells(kube: Kube, opener: Opener) -> None:
    found = await (await opener(kube.token)).whoami()
    assert found.principal == "admin (groups: system:masters)"
    assert (found.expires_at, found.renewable) == (None, True)


@pytest.mark.asyncio
async def test_a_file_is_read_again(kube: Kube, opener: Opener, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(kube.token_of(kube.account("default"), 600))
    found = await (await opener(tokenFile=str(file))).whoami()
    assert found.source == f"token file {file}"
    assert found.expires_at is not None
    assert found.renewable


@pytest.mark.asyncio
async def test_a_pod(kube: Kube, space: str, tmp_path: Path) -> None:
    account = kube.account(space)
    environ = kube.mounted(tmp_path, space, kube.token_of(account))
    given = settings(in_cluster=True, service_account=str(tmp_path))
    made = await open_identity(given, context(environ))
    found = await made.whoami()
    assert account.user in found.principal
    assert found.source == f"service account token in {tmp_path}"
    assert found.account == space
    assert found.renewable
    await made.close()


@pytest.mark.asyncio
async def test_a_certificate(kube: Kube, opener: Opener) -> None:
    issued = kube.authority.issue_client("alice", "ops")
    files = {"client-certificate": str(issued.certificate), "client-key": str(issued.key)}
    made = await opener(**files)
    found = await made.whoami()
    assert found.principal == "alice (groups: ops)"
    assert found.source.startswith("client certificate in")
    assert yaml_of(made.policy().text)[1]["subjects"] == [
        {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}
    ]


@pytest.mark.asyncio
async def test_who_is_impersonated_counts(kube: Kube, opener: Opener) -> None:
    made = await opener(kube.token, **{"as": "bob", "as-groups": ["dev"]})
    assert (await made.whoami()).principal == "bob (groups: dev)"
    assert all(each.missing for each in await made.permissions())


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["ended", "foreign", "none"])
async def test_credentials_that_are_none(
    kube: Kube, opener: Opener, space: str, kind: str
) -> None:
    account = kube.account(space)
    token = {
        "ended": kube.short_token(account, -60),
        "foreign": Issuer().token(account.user, "x"),
        "none": None,
    }[kind]
    made = await opener(token)
    for work in (made.whoami(), made.permissions()):
        with pytest.raises(Unauthenticated):
            await work


@pytest.mark.asyncio
async def test_a_cluster_that_lets_nobody_ask(kube: Kube, opener: Opener) -> None:
    account = kube.account("default")
    review = {
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews"],
        "verbs": ["create"],
    }
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:basic-user"
    before = {"subjects": kube.call("GET", binding)["subjects"]}

    def bound(subjects: dict[str, Any], *, allowed: bool) -> None:
        kube.call("PATCH", binding, subjects, content="application/merge-patch+json")
        kube.until_known(account.user, "", review, allowed=allowed)

    bound({"subjects": []}, allowed=False)
    try:
        made = await opener(kube.token_of(account))
        found = await made.whoami()
        assert found.principal == "somebody who may not ask who they are"
        permissions = await made.permissions()
    finally:
        bound(before, allowed=True)
    assert {(each.allowed, each.how) for each in permissions} == {(None, "not tried")}
    assert [each.action for each in permissions] == [need.verb for need in NEEDS]


# -- what


@pytest.mark.asyncio
@pytest.mark.parametrize("read_only", [True, False])
async def test_the_smallest_role_has_all_and_nothing_needless(
    kube: Kube, opener: Opener, space: str, read_only: bool
) -> None:
    account = kube.account(space)
    token = kube.token_of(account)
    made = await opener(token)
    assert all(each.missing for each in await made.permissions())
    applied(kube, made.policy(read_only=read_only).text)  # for nobody that exists
    assert all(each.missing for each in await made.permissions())
    await made.whoami()
    applied(kube, made.policy(read_only=read_only).text)
    found = await made.permissions()
    assert not needless(found)
    missing = {each.action for each in found if each.missing}
    assert missing == ({"create", "patch", "delete"} if read_only else set())
    assert {each.resource for each in found} == {f"secrets in namespace {space}"}
    assert {each.how for each in found} == {"asked"}


@pytest.mark.asyncio
async def test_needless_rights_are_named(kube: Kube, opener: Opener, space: str) -> None:
    rules = [
        secrets_rule("*"),
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["roles"],
            "verbs": ["escalate"],
        },
    ]
    account = kube.account(space, *rules, everywhere=[secrets_rule("get")])
    found = await (await opener(kube.token_of(account))).permissions()
    assert not [each for each in found if each.missing]
    assert needless(found) == {
        ("update", f"secrets in namespace {space}"),
        ("deletecollection", f"secrets in namespace {space}"),
        ("get", "secrets in every namespace"),
        ("create", f"pods/exec in namespace {space}"),
        ("escalate", f"roles in namespace {space}"),
    }


@pytest.mark.asyncio
async def test_who_may_do_everything_is_told_once(
    kube: Kube, opener: Opener, space: str
) -> None:
    found = await (await opener(kube.token)).permissions()
    assert needless(found) == {("*", "everything in every namespace")}
    anything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    account = kube.account(space, anything, everywhere=[secrets_rule("list")])
    found = await (await opener(kube.token_of(account))).permissions()
    assert not [each for each in found if each.missing]
    assert needless(found) == {
        ("*", f"everything in namespace {space}"),
        ("list", "secrets in every namespace"),
    }


@pytest.mark.asyncio
async def test_what_is_allowed_for_some_names_is_neither_missing_nor_there(
    kube: Kube, opener: Opener, space: str
) -> None:
    rules = [
        secrets_rule("get", resourceNames=["db"]),
        secrets_rule("list", resourceNames=["db"]),
        {
            "apiGroups": ["apps"],
            "resources": ["secrets"],
            "verbs": ["patch"],
            "resourceNames": ["db"],
        },
    ]
    account = kube.account(space, *rules)
    found = await (await opener(kube.token_of(account))).permissions()
    by_verb = {each.action: (each.allowed, each.how) for each in found}
    assert by_verb["get"] == (None, "for some names only")
    assert by_verb["list"] == (False, "asked")  # of all Secrets, which is how it is done
    assert by_verb["patch"] == (False, "asked")


@pytest.mark.asyncio
async def test_through_the_front_door(kube: Kube, space: str, tmp_path: Path) -> None:
    given = configured(kube, tmp_path / "config", space, {"token": kube.token})
    async with Cloud(Environment(primary=given), environ={}) as cloud:
        assert (await cloud.identity.whoami()).principal.startswith("admin ")
        assert await cloud.identity.permissions()
        assert (await cloud.identity.policy()).language == "Kubernetes RBAC YAML"


def test_a_rule_without_names_is_of_all_secrets() -> None:
    # Such a verb can be refused all the same: by an authorizer that is asked before RBAC.
    rule = RoleRule(["*"], ["*"], ["*"], ["db"])
    assert rule.of_some_secrets("get")
    rule.names = None
    assert not rule.of_some_secrets("get")


# -- the end of a token


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer opaque",
        "Bearer a.b.c",
        "Bearer a.eyJleHAiOiJuZXZlciJ9.c",  # {"exp":"never"}
        "Bearer a.e30.c",  # {}
        "Bearer a.eyJleHAiOjFlMzAwfQ.c",  # {"exp":1e300}
        "Bearer a.é.c",
        "Basic dXNlcjpwYXNz",
    ],
)
def test_what_says_nothing_of_its_end(authorization: str | None) -> None:
    assert end_of(Credential(authorization)) is None


def test_the_end_that_a_source_tells_goes_before_the_tokens() -> None:
    token = Issuer().token("web", "x", seconds=600)
    assert end_of(Credential(f"Bearer {token}", ends_at=0.0)) == datetime(
        1970, 1, 1, tzinfo=UTC
    )
    assert end_of(Credential(f"Bearer {token}")) is not None
