"""The official client and skykeep on the same namespace."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kubernetes.client import CoreV1Api, V1ObjectMeta, V1Secret

from skykeep.conformance.cases import listed, names_of, refused
from skykeep.errors import Conflict, Invalid, NotFound, PendingDelete, Unsupported
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.objects import VERSION
from skykeep.providers.kubernetes.secrets import KubernetesSecrets
from tests.peers.clients import kubernetes_client
from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import NOTHING, opened, secret

pytestmark = pytest.mark.asyncio

EXPIRY = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
BINARY = bytes(range(256))


class Judge:
    """The official client in one namespace."""

    def __init__(self, api: CoreV1Api, namespace: str) -> None:
        self.api: Any = api
        self.namespace = namespace

    def write(self, name: str, data: dict[str, bytes], **more: Any) -> None:
        self.api.create_namespaced_secret(self.namespace, self._body(name, data, **more))

    def replace(self, name: str, data: dict[str, bytes], **more: Any) -> None:
        self.api.replace_namespaced_secret(name, self.namespace, self._body(name, data, **more))

    def read(self, name: str) -> dict[str, bytes]:
        found = self.api.read_namespaced_secret(name, self.namespace).data or {}
        return {key: base64.b64decode(text) for key, text in found.items()}

    def metadata(self, name: str) -> Any:
        return self.api.read_namespaced_secret(name, self.namespace).metadata

    def patch(self, name: str, patch: dict[str, Any]) -> None:
        self.api.patch_namespaced_secret(name, self.namespace, patch)

    def names(self) -> list[str]:
        found = self.api.list_namespaced_secret(self.namespace).items
        return sorted(each.metadata.name for each in found)

    def delete(self, name: str) -> None:
        self.api.delete_namespaced_secret(name, self.namespace)

    @staticmethod
    def _body(name: str, data: dict[str, bytes], **more: Any) -> V1Secret:
        meta = {
            key: more.pop(key) for key in ("labels", "annotations", "finalizers") if key in more
        }
        coded: Any = {key: base64.b64encode(value).decode() for key, value in data.items()}
        return V1Secret(metadata=V1ObjectMeta(name=name, **meta), data=coded, **more)


@pytest.fixture
def judge(kube: Kube, namespace: str) -> Iterator[Judge]:
    with kubernetes_client(kube) as client:
        yield Judge(CoreV1Api(client), namespace)


@pytest_asyncio.fixture
async def driver(
    kube: Kube, tmp_path: Path, namespace: str
) -> AsyncIterator[KubernetesSecrets]:
    made = await opened(kube, tmp_path, namespace)
    yield made
    await made.close()


@pytest.mark.parametrize("data", [b"text", b"", BINARY, b"line\n", b"x" * 1024 * 1024])
async def test_what_we_write_is_what_it_reads(
    kube: Kube, driver: KubernetesSecrets, judge: Judge, data: bytes
) -> None:
    await driver.create("db/password", SecretValue(data), NOTHING)
    assert judge.read("db.password") == {"value": data}
    assert (await driver.get("db/password")).value.reveal() == data


@pytest.mark.parametrize("data", [b"text", b"", BINARY])
async def test_what_it_writes_is_what_we_read(
    kube: Kube, driver: KubernetesSecrets, judge: Judge, data: bytes
) -> None:
    judge.write("db.password", {"value": data})
    found = await driver.get("db/password")
    assert found.value.reveal() == data
    assert found.version == judge.metadata("db.password").resource_version


FOREIGN: dict[str, tuple[dict[str, bytes], Any]] = {
    "several": ({"user": b"u", "password": b"p"}, {"password": "p", "user": "u"}),
    "another key": ({"token": b"t"}, {"token": "t"}),
    "beside ours": ({"value": b"v", "more": b""}, {"more": "", "value": "v"}),
    "binary": ({"a": BINARY}, {"a": {"base64": base64.b64encode(BINARY).decode()}}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("name", FOREIGN)
async def test_fields_of_others_are_json(
    kube: Kube, driver: KubernetesSecrets, judge: Judge, name: str
) -> None:
    data, expected = FOREIGN[name]
    judge.write("foreign", data)
    found = await driver.get("foreign")
    assert found.value.json() == expected
    same = await driver.update("foreign", found.value, NOTHING)
    assert not same.changed, "its own value is no change"
    assert judge.read("foreign") == data
    assert (await driver.update("foreign", SecretValue("ours"), NOTHING)).changed
    assert judge.read("foreign") == {"value": b"ours"}


async def test_what_stands_beside_the_value(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    given = Attributes(
        metadata={"why": "ü\nlines"},
        tags={"team": "shop", "note:2": "ü and spaces", "example.com/x": "y", "empty": ""},
        expires_at=EXPIRY,
    )
    await driver.create("DB_PASSWORD", SecretValue("x"), given)
    meta = judge.metadata("x--kdb--upassword")
    assert meta.labels == {"team": "shop", "empty": ""}, "those that labels can be"
    notes = dict(meta.annotations)
    assert notes.pop(VERSION) == (await driver.get("DB_PASSWORD")).version
    assert notes.pop("skykeep-name") == "DB_PASSWORD"
    assert json.loads(notes.pop("skykeep-tags")) == {
        "note:2": "ü and spaces",
        "example.com/x": "y",
    }
    assert json.loads(notes.pop("skykeep-metadata")) == {"why": "ü\nlines"}
    assert notes.pop("skykeep-expires-at") == "2031-05-06T07:08:09+00:00"
    assert notes == {}
    await driver.annotate("DB_PASSWORD", Attributes(metadata={}, tags={}, expires_at=None))
    after = judge.metadata("x--kdb--upassword")
    assert not after.labels
    assert set(after.annotations) == {VERSION, "skykeep-name", "skykeep-changes"}


async def test_what_others_said_is_left(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    judge.write(
        "shared",
        {"value": b"x"},
        labels={"app.kubernetes.io/name": "shop", "team": "web", "skykeep-own": "x"},
        annotations={"example.com/owner": "ops", "note": "theirs"},
    )
    assert (await driver.get("shared")).tags == {"team": "web"}
    given = Attributes(tags={"cost-centre": "7"}, metadata={"a": "b"})
    await driver.update("shared", SecretValue("y"), given)
    await driver.annotate("shared", Attributes(tags={}))
    meta = judge.metadata("shared")
    assert meta.labels == {"app.kubernetes.io/name": "shop", "skykeep-own": "x"}
    assert meta.annotations["example.com/owner"] == "ops"
    assert meta.annotations["note"] == "theirs"


async def test_labels_for_all_that_is_made(
    kube: Kube, judge: Judge, namespace: str, tmp_path: Path
) -> None:
    driver = await opened(kube, tmp_path, namespace, labels={"example.com/part-of": "shop"})
    await driver.create("a", SecretValue("x"), Attributes(tags={"b": "c"}))
    assert judge.metadata("a").labels == {"example.com/part-of": "shop", "b": "c"}
    assert (await driver.describe("a")).tags == {"b": "c"}
    await driver.close()


# -- versions


async def test_a_value_that_others_put_in_place_of_ours_is_another_version(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    """The id stands in an annotation; others leave that where it is."""
    ours = await driver.create("a", SecretValue("one"), NOTHING)
    judge.patch("a", {"stringData": {"value": "theirs"}})
    assert judge.metadata("a").annotations[VERSION] == ours.version
    found = await driver.get("a")
    assert found.value == SecretValue("theirs")
    assert found.version != ours.version
    for look in (await driver.describe("a"), (await listed(driver))[0]):
        assert look.version == found.version
    await refused(
        Conflict, driver.update("a", SecretValue("two"), NOTHING, expects=ours.version)
    )
    await refused(Conflict, driver.delete("a", expects=ours.version))
    two = await driver.update("a", SecretValue("two"), NOTHING, expects=found.version)
    assert (await driver.get("a")).version == two.version


async def test_a_key_that_others_add_is_another_version(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    ours = await driver.create("a", SecretValue("one"), NOTHING)
    judge.patch("a", {"stringData": {"more": "theirs"}})
    assert (await driver.get("a")).version != ours.version


async def test_a_backup_that_is_put_back_is_another_version(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    ours = await driver.create("a", SecretValue("one"), NOTHING)
    notes = judge.metadata("a").annotations
    await driver.update("a", SecretValue("two"), NOTHING)
    judge.replace("a", {"value": b"one"}, annotations=notes)
    found = await driver.get("a")
    assert found.value == SecretValue("one")
    assert found.version != ours.version, "it was two in between"


async def test_an_annotation_of_others_is_no_version(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    ours = await driver.create("a", SecretValue("one"), NOTHING)
    judge.patch("a", {"metadata": {"annotations": {"note": "x"}, "labels": {"b": "c"}}})
    assert (await driver.get("a")).version == ours.version
    assert (await driver.describe("a")).version == ours.version
    await driver.update("a", SecretValue("two"), NOTHING, expects=ours.version)


async def test_without_the_servers_notes_nothing_is_known_of_the_version(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    await driver.create("a", SecretValue("one"), NOTHING)
    judge.patch("a", {"metadata": {"managedFields": [{}]}})
    meta = judge.metadata("a")
    assert not meta.managed_fields
    found = await driver.get("a")
    assert found.version == meta.resource_version
    assert found.created_at == meta.creation_timestamp


async def test_the_time_of_a_value_is_the_servers_and_its_own(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    await driver.create("a", SecretValue("one"), NOTHING)
    await driver.annotate("a", Attributes(tags={"b": "c"}))
    entries = {each.manager: each for each in judge.metadata("a").managed_fields}
    assert set(entries) == {"skykeep", "skykeep-attributes"}
    found = await driver.get("a")
    assert found.created_at == entries["skykeep"].time
    assert (await driver.describe("a")).updated_at == entries["skykeep-attributes"].time


# -- what is not changed


async def test_an_immutable_one(kube: Kube, driver: KubernetesSecrets, judge: Judge) -> None:
    judge.write("fixed", {"value": b"one"}, immutable=True)
    assert not (await driver.update("fixed", SecretValue("one"), NOTHING)).changed
    error = await refused(Unsupported, driver.update("fixed", SecretValue("two"), NOTHING))
    assert "delete it and create it again" in str(error)
    assert "'fixed'" in str(error), "found out before it was sent"
    assert judge.read("fixed") == {"value": b"one"}
    await driver.annotate("fixed", Attributes(tags={"a": "b"}))
    assert judge.metadata("fixed").labels == {"a": "b"}
    await driver.delete("fixed")
    await driver.create("fixed", SecretValue("two"), NOTHING)


async def test_one_of_another_type(kube: Kube, driver: KubernetesSecrets, judge: Judge) -> None:
    data = {"tls.crt": b"c", "tls.key": b"k"}
    judge.write("web-tls", data, type="kubernetes.io/tls")
    await driver.create("ours", SecretValue("x"), NOTHING)
    assert names_of(await listed(driver)) == ["ours"]
    assert (await driver.get("web-tls")).value.json() == {"tls.crt": "c", "tls.key": "k"}
    for work in (
        driver.update("web-tls", SecretValue("x"), NOTHING),
        driver.annotate("web-tls", Attributes(tags={"a": "b"})),
        driver.delete("web-tls"),
        driver.purge("web-tls"),
    ):
        error = await refused(Unsupported, work)
        assert "kubernetes.io/tls" in str(error)
        assert "native:web-tls" in str(error)
    await refused(Conflict, driver.create("web-tls", SecretValue("x"), NOTHING))
    assert judge.read("web-tls") == data
    await driver.annotate("native:web-tls", Attributes(tags={"a": "b"}))
    await driver.delete("native:web-tls")
    assert judge.names() == ["ours"]


async def test_names_of_others(kube: Kube, driver: KubernetesSecrets, judge: Judge) -> None:
    judge.write("foreign--name", {"value": b"x"})
    judge.write("plain.name", {"value": b"y"})
    assert names_of(await listed(driver)) == ["plain/name"]
    assert (await driver.get("native:foreign--name")).value == SecretValue("x")
    assert (await driver.get("native:plain.name")).value == SecretValue("y")


async def test_a_tag_that_is_ours(kube: Kube, driver: KubernetesSecrets, judge: Judge) -> None:
    own = Attributes(tags={"skykeep-x": "y"})
    await refused(Invalid, driver.create("a", SecretValue("x"), own))
    assert judge.names() == []


async def test_more_than_annotations_hold(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    much = Attributes(metadata={f"key{n}": "x" * 4096 for n in range(64)})
    error = await refused(Invalid, driver.create("a", SecretValue("x"), much))
    assert "262,144" in str(error)
    most = Attributes(metadata={f"key{n}": "x" * 4096 for n in range(62)})
    await driver.create("a", SecretValue("x"), most)
    judge.patch("a", {"metadata": {"annotations": {"theirs": "y" * 7000}}})
    error = await refused(Invalid, driver.update("a", SecretValue("y"), much))
    assert "262,144" in str(error), "found out before it was sent"
    more = Attributes(tags={f"{n}:": "x" * 100 for n in range(10)})
    error = await refused(Invalid, driver.annotate("a", more))
    assert "262,144" in str(error), "with what others have there"
    assert (await driver.get("a")).value == SecretValue("x")


# -- one that is being deleted


async def test_one_that_somebody_holds(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    judge.write("held", {"value": b"x"}, finalizers=["example.com/hold"])
    await driver.delete("held")
    for refusal, work in (
        (NotFound, driver.get("held")),
        (NotFound, driver.delete("held")),
        (PendingDelete, driver.create("held", SecretValue("y"), NOTHING)),
        (PendingDelete, driver.update("held", SecretValue("y"), NOTHING)),
        (PendingDelete, driver.annotate("held", Attributes(tags={"a": "b"}))),
        (PendingDelete, driver.purge("held")),
    ):
        error = await refused(refusal, work)
        assert "example.com/hold" in str(error)
    assert (await driver.describe("held")).deleted_at is not None
    assert await listed(driver) == []
    assert judge.read("held") == {"value": b"x"}
    judge.patch("held", {"metadata": {"finalizers": None}})
    await refused(NotFound, driver.describe("held"))
    await driver.create("held", SecretValue("y"), NOTHING)


async def test_one_that_it_deletes_is_gone(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    await driver.create("a", SecretValue("x"), NOTHING)
    judge.delete("a")
    await refused(NotFound, driver.get("a"))
    await driver.create("a", SecretValue("y"), NOTHING)
    await driver.delete("a")
    assert judge.names() == []


# -- listings


async def test_a_listing_across_what_is_not_ours(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    for number in range(12):
        judge.write(f"b--{number:02}", {"value": b"x"})
        judge.write(f"c{number:02}", {"tls.crt": b"", "tls.key": b""}, type="kubernetes.io/tls")
    for name in ("a", "d/e", "z"):
        await driver.create(name, SecretValue("x"), NOTHING)
    assert names_of(await listed(driver, limit=2)) == ["a", "d/e", "z"]
    assert names_of(await listed(driver, "d", limit=1)) == ["d/e"]
    page = await driver.list("d", cursor=None, limit=2)
    assert names_of(page.items) == ["d/e"], "pages of others' are passed over"


async def test_a_listing_shows_no_values(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    """Neither does it fetch them: the answer of the server is small."""
    await driver.create("large", SecretValue(b"x" * 500_000), NOTHING)
    page = await driver._calls._listed("", 10)
    assert len(page.body) < 5_000
    answer = await driver._session.reply(
        "GET", driver._calls._one("large"), accept="application/json"
    )
    assert len(answer.body) > 500_000, "which a read does"


async def test_the_servers_own_object(
    kube: Kube, driver: KubernetesSecrets, judge: Judge
) -> None:
    await driver.create("a/b", SecretValue("x"), NOTHING)
    found = secret(kube, judge.namespace, "a.b")
    assert found["type"] == "Opaque"
    assert found["data"] == {"value": base64.b64encode(b"x").decode()}
