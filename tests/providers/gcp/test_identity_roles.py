"""The smallest roles: they are enough, and nothing of them is spare."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scripts.gcp_roles import FOLDER, templates
from skykeep.errors import Denied
from skykeep.interfaces.name_code import encode
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.identity import open_identity
from skykeep.providers.gcp.policy import NEEDS, Scope, document
from skykeep.providers.gcp.secrets import open_secrets
from tests.peers.google import NUMBER, PROJECT, SecretManager
from tests.providers.gcp.google_home import Grants, Home, keep
from tests.providers.gcp.opening import settings

NOTHING = Attributes()


def test_the_templates_are_those_of_the_code() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.sh")}
    assert found == templates(), "run scripts/gcp_roles.py"


def run(script: str, folder: Path) -> list[list[str]]:
    """Run it with a command that stands for gcloud; with which words it was called."""
    folder.mkdir(exist_ok=True)
    program = folder / "gcloud"
    calls = folder / "calls"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"open({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        f"if sys.argv[1:3] == ['projects', 'describe']: print({NUMBER!r})\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    calls.unlink(missing_ok=True)
    ended = subprocess.run(
        ["sh", "-eu", "-c", script],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stderr == ""
    return [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]


def option(call: list[str], name: str) -> str:
    """The value of an option."""
    (found,) = [each for each in call if each.startswith(f"--{name}=")]
    return found.partition("=")[2]


def grants_of(calls: list[list[str]]) -> Grants:
    """What the roles and their bindings come to; a binding with a condition holds where the
    condition does."""
    roles = {
        call[3]: option(call, "permissions").split(",")
        for call in calls
        if call[:3] == ["iam", "roles", "create"]
    }
    made = []
    for call in calls:
        if call[:2] != ["projects", "add-iam-policy-binding"] or "roles/" not in call[3 + 1]:
            continue
        role = option(call, "role")
        assert role.startswith(f"projects/{PROJECT}/roles/")
        condition = option(call, "condition")
        named = re.fullmatch(
            r'expression=resource\.name\.startsWith\("([^"]+)"\),title=[a-z-]+', condition
        )
        assert named or condition == "None"
        made.append(
            {
                "permissions": roles[role.rpartition("/")[2]],
                "prefix": named[1] if named else "",
            }
        )
    assert len(made) == len(roles)
    return made


async def everything(here: Home, fake: SecretManager, prefix: str) -> None:
    """All operations that the roles are for."""
    given = here.settings(target={"endpoint": fake.address, "secret_prefix": prefix})
    driver = await open_secrets(given, here.context())
    try:
        first = await driver.create("made", SecretValue("first"), Attributes(tags={"a": "b"}))
        await driver.get("made")
        await driver.update("made", SecretValue("second"), NOTHING)
        await driver.annotate("made", Attributes(tags={"c": "d"}))
        await driver.describe("made")
        await driver.versions("made")
        await driver.get("made", stage="previous")
        await driver.list("", cursor=None, limit=10)
        await driver.move_stage("made", "blue", first.version)
        await driver.delete("made")
    finally:
        await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("whole", [False, True])
async def test_the_roles_are_enough(
    rights: Callable[..., Home],
    secret_manager: SecretManager,
    prefix: str,
    tmp_path: Path,
    whole: bool,
) -> None:
    """Bound to the prefix, and (without one) to the whole project."""
    scope = Scope(settings(secret_prefix="" if whole else prefix), PROJECT)
    calls = run(document(scope, read_only=False), tmp_path / "bin")
    grants = grants_of(calls)
    assert any(grant["prefix"] for grant in grants) != whole
    await everything(rights(grants), secret_manager, prefix)


@pytest.mark.asyncio
@pytest.mark.parametrize("spare", [need.permission for need in NEEDS])
async def test_without_one_permission_something_is_denied(
    rights: Callable[..., Home],
    secret_manager: SecretManager,
    prefix: str,
    tmp_path: Path,
    spare: str,
) -> None:
    """A permission that nothing misses does not belong into the roles."""
    scope = Scope(settings(secret_prefix=prefix), PROJECT)
    grants = grants_of(run(document(scope, read_only=False), tmp_path / "bin"))
    for grant in grants:
        grant["permissions"] = [each for each in grant["permissions"] if each != spare]
    with pytest.raises(Denied, match=re.escape(spare)):
        await everything(rights(grants), secret_manager, prefix)


CALLS: dict[str, Callable[[SecretDriver], Awaitable[object]]] = {
    "secrets.get": lambda driver: driver.get("made"),
    "secrets.describe": lambda driver: driver.describe("made"),
    "secrets.versions": lambda driver: driver.versions("made"),
    "secrets.list": lambda driver: driver.list("", cursor=None, limit=10),
    "secrets.create": lambda driver: driver.create("new", SecretValue("v"), NOTHING),
    "secrets.update": lambda driver: driver.update("made", SecretValue("w"), NOTHING),
    "secrets.annotate": lambda driver: driver.annotate("made", Attributes(tags={"a": "b"})),
    "secrets.move_stage": lambda driver: driver.move_stage("made", "blue", "1"),
    "secrets.delete": lambda driver: driver.delete("made"),
}
PAIRS = [
    (need.permission, operation)
    for need in NEEDS
    for operation in need.operations
    if operation in CALLS  # a put is an update or a create
    and (need.permission, operation) != ("secretmanager.versions.access", "secrets.update")
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("permission", "operation"), PAIRS)
async def test_what_is_said_to_fail_does(
    rights: Callable[..., Home],
    secret_manager: SecretManager,
    prefix: str,
    permission: str,
    operation: str,
) -> None:
    """As doctor says it: without the permission the operation is refused."""
    await keep(secret_manager, f"{prefix}made")
    others = [need.permission for need in NEEDS if need.permission != permission]
    here = rights([{"permissions": others}])
    given = here.settings(target={"endpoint": secret_manager.address, "secret_prefix": prefix})
    driver = await open_secrets(given, here.context())
    with pytest.raises(Denied, match=re.escape(permission)):
        await CALLS[operation](driver)
    await driver.close()


@pytest.mark.asyncio
async def test_who_reads_reads_only_here(
    rights: Callable[..., Home], secret_manager: SecretManager, prefix: str, tmp_path: Path
) -> None:
    await keep(secret_manager, f"{prefix}made")
    await keep(secret_manager, f"beside-{prefix}made")
    scope = Scope(settings(secret_prefix=prefix), PROJECT)
    here = rights(grants_of(run(document(scope, read_only=True), tmp_path / "bin")))
    given = here.settings(target={"endpoint": secret_manager.address, "secret_prefix": prefix})
    reader = await open_secrets(given, here.context())
    assert (await reader.get("made")).value.text() == "v"
    assert [each.name for each in (await reader.list("", cursor=None, limit=10)).items]
    for work in (
        reader.update("made", SecretValue("w"), NOTHING),
        reader.create("new", SecretValue("w"), NOTHING),
        reader.annotate("made", Attributes(tags={"a": "b"})),
        reader.delete("made"),
        reader.get(f"native:{Scope(settings(), PROJECT).begins}beside-{prefix[:-1]}__made"),
    ):
        with pytest.raises(Denied):
            await work
    await reader.close()


def test_keys_and_quota_projects(tmp_path: Path) -> None:
    """The key is used by Secret Manager's own service agent."""
    keys = {
        place: f"projects/keys/locations/{place}/keyRings/r/cryptoKeys/k-{place}"
        for place in ("europe-west3", "us-east1")
    }
    given = settings(
        secret_prefix="x.",
        replica_locations=list(keys),
        kms_keys=keys,
        auth={"quota_project": "billing"},
    )
    calls = run(document(Scope(given, PROJECT), read_only=False), tmp_path / "bin")
    bound = [call for call in calls if call[:3] == ["kms", "keys", "add-iam-policy-binding"]]
    assert [(call[3], option(call, "location")) for call in bound] == [
        ("k-europe-west3", "europe-west3"),
        ("k-us-east1", "us-east1"),
    ]
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-secretmanager.iam.gserviceaccount.com"
    assert {option(call, "member") for call in bound} == {agent}
    assert [call[2] for call in calls if "serviceusage" in " ".join(call)] == ["billing"]
    reading = run(document(Scope(given, PROJECT), read_only=True), tmp_path / "bin")
    assert not [call for call in reading if call[0] in {"kms", "beta"}]


@pytest.mark.parametrize("name", sorted(templates()))
def test_every_template_can_be_run(name: str, tmp_path: Path) -> None:
    calls = run(templates()[name], tmp_path / "bin")
    assert calls[0][:3] == ["projects", "describe", "my-project"]
    assert [call[:3] for call in calls].count(["iam", "roles", "create"]) == 2


@pytest.mark.parametrize(
    ("prefix", "inside", "beside"),
    [
        ("myapp/", ["myapp/a", "myapp/.a", "myapp/_a"], ["myapp", "my/a"]),
        ("myapp", ["myapp", "myapp/a", "myapp2"], ["my/app"]),
        ("a/_", ["a/_b", "a/_.b"], ["a/b", "a_b"]),
        ("a.", ["a.b", "a./b"], ["a/b", "a"]),
        ("", ["a", "_/"], []),
    ],
)
def test_the_condition_holds_for_every_name_under_the_prefix(
    prefix: str, inside: list[str], beside: list[str]
) -> None:
    begins = Scope(settings(secret_prefix=prefix), PROJECT).begins
    assert all(encode(name).startswith(begins) for name in inside)
    assert not any(encode(name).startswith(begins) for name in beside)


@pytest.mark.asyncio
async def test_the_policy_of_a_target_needs_no_call(here: Home) -> None:
    given = here.settings(target={"secret_prefix": "myapp/"})
    asked = await open_identity(given, here.context())
    made = asked.policy()
    assert made.language == "gcloud commands"
    assert f'PROJECT="{PROJECT}"' in made.text
    assert "secrets.delete" not in asked.policy(read_only=True).text
    await asked.close()
    assert here.tokens.asked == []
