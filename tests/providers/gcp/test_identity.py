"""Who we are, and what we may."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from skykeep.errors import ConfigError, Denied, SkykeepError, Unauthenticated
from skykeep.interfaces.identity import Permission
from skykeep.providers.gcp.identity import GcpIdentity, open_identity
from skykeep.providers.gcp.policy import NEEDS, Scope
from tests.peers.google import NUMBER, PROJECT, SecretManager
from tests.providers.gcp.google_home import (
    ACCOUNT,
    KEY_ID,
    TARGET,
    USER,
    Home,
    keep,
    machine,
)
from tests.providers.gcp.opening import settings

READ = "secretmanager.versions.access"


async def identity(here: Home, fake: SecretManager, **target: Any) -> GcpIdentity:
    auth = target.pop("auth", {})
    given = here.settings(target={"endpoint": fake.address, **target}, **auth)
    return await open_identity(given, here.context())


async def who(here: Home, fake: SecretManager, **target: Any) -> Any:
    asked = await identity(here, fake, **target)
    try:
        return await asked.whoami()
    finally:
        await asked.close()


async def may(here: Home, fake: SecretManager, **target: Any) -> dict[Any, Permission]:
    """By permission, and whether it is about what lies outside of the prefix."""
    asked = await identity(here, fake, **target)
    try:
        found = await asked.permissions()
    finally:
        await asked.close()
    return {(each.action, each.resource.startswith("outside ")): each for each in found}


# -- who


@pytest.mark.asyncio
async def test_a_service_account_by_its_key(here: Home, secret_manager: SecretManager) -> None:
    """Its token is its own, and Secret Manager takes it: no token service is asked."""
    here.name(here.service_account())
    secret_manager.trust(ACCOUNT, KEY_ID, here.public_key)
    found = await who(here, secret_manager)
    assert (found.principal, found.account) == (f"serviceAccount:{ACCOUNT}", PROJECT)
    assert found.region is None
    assert found.expires_at is not None
    assert found.renewable
    assert "GOOGLE_APPLICATION_CREDENTIALS" in found.source
    assert here.tokens.asked == []


@pytest.mark.asyncio
async def test_a_user_is_asked_for_at_googles_oauth_endpoint(
    here: Home, secret_manager: SecretManager
) -> None:
    here.log_in()
    found = await who(here, secret_manager)
    assert found.principal == f"user:{USER}"
    asked = here.tokens.asked[-1]
    assert (asked.method, asked.target) == ("POST", "/tokeninfo"), "the token is in no address"


@pytest.mark.asyncio
async def test_a_user_whom_nobody_names(here: Home, secret_manager: SecretManager) -> None:
    here.log_in()
    asked = await identity(here, secret_manager)
    await asked.whoami()
    here.tokens.registry.given.clear()
    assert (await asked.whoami()).principal == "a user (Google does not say who)"
    await asked.close()


@pytest.mark.asyncio
async def test_a_machine_acting_as_another(here: Home, secret_manager: SecretManager) -> None:
    with machine(here) as server:
        here.tokens.creators[TARGET] = {f"serviceAccount:{server.account}"}
        found = await who(here, secret_manager, auth={"impersonate": TARGET})
    assert found.principal == f"serviceAccount:{TARGET}"
    assert found.source == f"the metadata server, acting as {TARGET}"


@pytest.mark.asyncio
async def test_regional_secrets(here: Home, secret_manager: SecretManager) -> None:
    secret_manager.set(location="europe-west3")
    with machine(here):
        assert (
            await who(here, secret_manager, location="europe-west3")
        ).region == "europe-west3"


@pytest.mark.asyncio
async def test_a_key_that_google_does_not_know(
    here: Home, secret_manager: SecretManager
) -> None:
    here.name(here.service_account(private_key_id="another"))
    with pytest.raises(Unauthenticated):
        await who(here, secret_manager)


@pytest.mark.asyncio
async def test_a_project_without_the_service(here: Home, secret_manager: SecretManager) -> None:
    secret_manager.add_project("without", "999", enabled=False)
    with machine(here), pytest.raises(Denied, match="gcloud services enable"):
        await who(here, secret_manager, project_id="without")


@pytest.mark.asyncio
async def test_the_project_of_the_credentials(
    here: Home, secret_manager: SecretManager
) -> None:
    with machine(here):
        assert (await who(here, secret_manager, project_id=None)).account == PROJECT


@pytest.mark.asyncio
async def test_no_project(here: Home, secret_manager: SecretManager) -> None:
    here.log_in()
    with pytest.raises(ConfigError, match="no project is named"):
        await who(here, secret_manager, project_id=None)


@pytest.mark.asyncio
async def test_a_quota_project_that_may_not_be_used(
    rights: Callable[..., Home], secret_manager: SecretManager
) -> None:
    here = rights([])
    with pytest.raises(Denied, match="USER_PROJECT_DENIED"):
        await who(here, secret_manager, auth={"quota_project": PROJECT})
    here = rights([{"permissions": ["serviceusage.services.use"]}])
    assert await who(here, secret_manager, auth={"quota_project": PROJECT})


# -- what


def under(prefix: str) -> str:
    """What the names of the prefix begin with, for IAM."""
    return Scope(settings(secret_prefix=prefix), NUMBER).under(NUMBER)


@pytest.mark.asyncio
async def test_what_is_held_on_a_secret_under_the_prefix(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str
) -> None:
    """Bound to the prefix: the project as a whole knows nothing of it."""
    await keep(secret_manager, f"{prefix}a")
    held = [READ, "secretmanager.secrets.get", "secretmanager.secrets.setIamPolicy"]
    listing = {"permissions": ["secretmanager.secrets.list"]}
    here = rights(
        [{"permissions": held, "prefix": under(prefix)}, listing],
        {"secretmanager.secrets.list", "iam.serviceAccountKeys.create"},
    )
    found = await may(here, secret_manager, secret_prefix=prefix)
    allowed = {action for (action, _), each in found.items() if each.allowed}
    assert allowed == {*held, "secretmanager.secrets.list", "iam.serviceAccountKeys.create"}
    missing = {action for (action, _), each in found.items() if each.missing}
    assert missing == {need.permission for need in NEEDS} - allowed
    assert found["secretmanager.secrets.setIamPolicy", False].needless
    assert found["iam.serviceAccountKeys.create", False].needless
    assert found[READ, False].resource == f"{under(prefix).replace(NUMBER, PROJECT)}*"
    asked_by_doing = found.pop(("secretmanager.secrets.list", False))
    assert asked_by_doing.how == "tried"
    assert {each.how for each in found.values()} == {"asked"}


@pytest.mark.asyncio
async def test_what_is_held_beside_the_prefix_is_needless(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str
) -> None:
    await keep(secret_manager, f"{prefix}a")
    await keep(secret_manager, f"beside-{prefix}a")
    here = rights([{"permissions": [READ, "secretmanager.secrets.list"]}])
    found = await may(here, secret_manager, secret_prefix=prefix)
    assert found[READ, True].needless
    assert not found[READ, False].needless


@pytest.mark.asyncio
async def test_no_secret_under_the_prefix_yet(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str
) -> None:
    """What the whole project has is known then, what is bound to the prefix is not."""
    adding = "secretmanager.versions.add"
    here = rights(
        [{"permissions": ["secretmanager.secrets.list"]}],
        {"secretmanager.secrets.list", "secretmanager.secrets.create", adding},
    )
    found = await may(here, secret_manager, secret_prefix=prefix)
    assert found["secretmanager.secrets.create", False].allowed
    assert (found[adding, False].allowed, found[adding, False].how) == (
        True,
        "asked of the project",
    )
    assert found[READ, False].allowed is None
    assert "no secret there" in found[READ, False].how
    assert found[adding, True].needless, "it is allowed beside the prefix, too"


@pytest.mark.asyncio
async def test_without_resource_manager(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str
) -> None:
    """Its API is often not enabled; listing was tried, creating is not."""
    here = rights([])
    here.tokens.enabled = False
    found = await may(here, secret_manager, secret_prefix=prefix)
    listing = found["secretmanager.secrets.list", False]
    assert (listing.allowed, listing.how, listing.missing) == (False, "tried", True)
    creating = found["secretmanager.secrets.create", False]
    assert (creating.allowed, creating.how) == (None, "not tried")


@pytest.mark.asyncio
async def test_errors_carry_the_target(here: Home, secret_manager: SecretManager) -> None:
    with pytest.raises(SkykeepError) as raised:
        await who(here, secret_manager)
    assert raised.value.target == "primary (gcp)"


def test_doctor_shows_it(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str
) -> None:
    """From the command line, with a configuration."""
    here = rights(
        [{"permissions": [READ, "secretmanager.secrets.list"]}], {"secretmanager.secrets.list"}
    )
    (here.path / "skykeep.yml").write_text(
        "production:\n  primary:\n    backend: gcp\n"
        f"    endpoint: {secret_manager.address}\n    secret_prefix: {prefix}\n"
        f"    auth: {{endpoints: {{cloudresourcemanager: '{here.tokens.address}'}}}}\n",
        encoding="utf-8",
    )

    def doctor(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "skykeep", "--config", "skykeep.yml", "doctor", *more],
            cwd=here.path,
            env={**here.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    said = " ".join(doctor().stdout.split())
    assert (
        f"serviceAccount:web@{PROJECT}.iam.gserviceaccount.com, by the metadata server" in said
    )
    assert f"account {PROJECT}" in said
    assert "secretmanager.secrets.create" in said
    assert "secrets.create, secrets.put will fail" in said
    policy = doctor("--policy")
    assert policy.returncode == 0, policy.stderr
    assert policy.stdout.startswith("# All that skykeep does")
