"""Whether the smallest Role is enough, and each verb of it needed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from scripts.kubernetes_roles import FOLDER, templates
from skykeep.errors import Denied, NotFound
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.policy import Subject, document
from skykeep.providers.kubernetes.secrets import open_secrets
from tests.peers.kube import Kube, Rule
from tests.providers.kubernetes.opening import context
from tests.providers.kubernetes.roles import configured, yaml_of

NOTHING = Attributes()
VALUE, OTHER = SecretValue("one"), SecretValue("two")


def test_the_templates_are_those_of_the_code() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == templates(), "run scripts/kubernetes_roles.py"


@pytest.mark.parametrize("name", ["true", "1", "1e3", 'o"brien', "system:kube:proxy"])
def test_names_in_the_policy_are_strings(name: str) -> None:
    role, binding = yaml_of(document(name, Subject.of(name), read_only=True))
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == name
    assert [each["name"] for each in binding["subjects"]] == [name]


def test_a_service_account_is_told_from_a_user() -> None:
    assert Subject.of("system:serviceaccount:shop:web") == Subject("web", "shop")
    assert Subject.of("system:serviceaccount:shop") == Subject("system:serviceaccount:shop")
    assert Subject.of("alice") == Subject("alice")


async def everything_that_reads(driver: SecretDriver) -> None:
    await driver.get("a")
    await driver.describe("a")
    page = await driver.list("", cursor=None, limit=5)
    assert [each.name for each in page.items] == ["a", "in/it"]


async def everything_that_writes(driver: SecretDriver) -> None:
    await driver.create("b", VALUE, Attributes(tags={"a": "b"}))
    await driver.update("b", OTHER, Attributes(tags={"a": "c"}))
    await driver.annotate("b", Attributes(tags={}))
    await driver.delete("b")
    await driver.create("b", VALUE, NOTHING)
    await driver.purge("b")


@pytest.mark.asyncio
@pytest.mark.parametrize("read_only", [True, False])
async def test_the_smallest_role_is_enough_and_each_verb_of_it_is_needed(
    kube: Kube, tmp_path: Path, read_only: bool
) -> None:
    space = kube.new_namespace()

    async def opened(token: str) -> SecretDriver:
        given = configured(kube, tmp_path / "config", space, {"token": token})
        return await open_secrets(given, context())

    admin = await opened(kube.token)
    await admin.create("a", VALUE, NOTHING)
    await admin.create("in/it", VALUE, NOTHING)

    async def tried(*rules: Rule, read_only: bool = read_only) -> None:
        driver = await opened(kube.service_account(space, *rules))
        try:
            await everything_that_reads(driver)
            if not read_only:
                await everything_that_writes(driver)
        finally:
            await driver.close()

    text = document(space, Subject("nobody", space), read_only=read_only)
    (rule,) = yaml_of(text)[0]["rules"]
    await tried(rule)
    if read_only:
        with pytest.raises(Denied):
            await tried(rule, read_only=False)
    for verb in rule["verbs"]:
        with pytest.raises(Denied):
            await tried({**rule, "verbs": [each for each in rule["verbs"] if each != verb]})
        with suppress(NotFound):  # as it was before
            await admin.purge("b")
    await admin.close()
