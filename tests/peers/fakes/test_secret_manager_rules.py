"""Names, fields and filters that the fake of Secret Manager refuses, and those it accepts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions

from tests.peers.fakes.secret_manager_access import Project, caller_from
from tests.peers.fakes.secret_manager_methods import METHODS
from tests.peers.fakes.secret_manager_names import Name
from tests.peers.fakes.secret_manager_service import Service
from tests.peers.fakes.secret_manager_store import Secret
from tests.peers.google import SecretManager
from tests.peers.google_client import google_client

AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}
KEY = "projects/p/locations/{}/keyRings/r/cryptoKeys/k"


def cmek(location: str) -> dict[str, Any]:
    return {"customer_managed_encryption": {"kms_key_name": KEY.format(location)}}


def replicas(*some: dict[str, Any]) -> dict[str, Any]:
    return {"replication": {"user_managed": {"replicas": list(some)}}}


@pytest.fixture
def fake(secret_manager: SecretManager) -> Iterator[SecretManager]:
    yield secret_manager
    secret_manager.settle()


@pytest.fixture
def client(fake: SecretManager) -> Iterator[Any]:
    with google_client(fake) as client:
        yield client


def create(client: Any, *, secret_id: str | None = None, place: str = "", **fields: Any) -> Any:
    secret = fields if place or "replication" in fields else {**AUTOMATIC, **fields}
    return client.create_secret(
        parent=f"projects/{SecretManager.project}{place}",
        secret_id=f"r-{secrets.token_hex(6)}" if secret_id is None else secret_id,
        secret=secret,
    )


LABELS_64 = {f"label{n}": "" for n in range(64)}
ANNOTATIONS = {"a" * 63: "x" * (16 * 1024 - 63 - 1)}
TOPICS = [{"name": f"projects/p/topics/t{n}"} for n in range(11)]
SOON = datetime.now(UTC) + timedelta(days=1)
WRONG: dict[str, dict[str, Any]] = {
    "upper case in a label's key": {"labels": {"Stage": "test"}},
    "a label's key that begins with a digit": {"labels": {"1a": "test"}},
    "an empty key of a label": {"labels": {"": "test"}},
    "a label's key of 64": {"labels": {"a" * 64: "test"}},
    "a label's key of 129 bytes": {"labels": {"字" * 43: "test"}},
    "upper case in a label's value": {"labels": {"stage": "Test"}},
    "a slash in a label's value": {"labels": {"stage": "a/b"}},
    "a label's value of 64": {"labels": {"stage": "a" * 64}},
    "65 labels": {"labels": {**LABELS_64, "one-more": ""}},
    "an annotation's key that ends with a dot": {"annotations": {"a.": "x"}},
    "an annotation's key of 64": {"annotations": {"a" * 64: "x"}},
    "a slash in an annotation's key": {"annotations": {"a/b": "x"}},
    "annotations of 16 KiB": {"annotations": {**ANNOTATIONS, "b": ""}},
    "an alias of no version": {"version_aliases": {"stable": 1}},
    "no replication": {"replication": {}},
    "no replica": replicas(),
    "a replica twice": replicas({"location": "us-east1"}, {"location": "us-east1"}),
    "a location that is none": replicas({"location": "Nowhere"}),
    "a key for one replica only": replicas(
        {"location": "us-east1", **cmek("us-east1")}, {"location": "us-west1"}
    ),
    "a replica's key from elsewhere": replicas({"location": "us-east1", **cmek("us-west1")}),
    "a key of automatic replication that is not global": {
        "replication": {"automatic": cmek("us-east1")}
    },
    "what is no name of a key": {
        "replication": {"automatic": {"customer_managed_encryption": {"kms_key_name": "k"}}}
    },
    "a global secret's own key": cmek("global"),
    "an expiry that is over": {"expire_time": datetime.now(UTC) - timedelta(minutes=1)},
    "no time to live": {"ttl": timedelta(0)},
    "more than a hundred years": {"ttl": timedelta(seconds=3_153_600_001)},
    "a delay of destruction below a day": {"version_destroy_ttl": timedelta(hours=23)},
    "11 topics": {"topics": TOPICS},
    "what is no topic": {"topics": [{"name": "topics/t"}]},
    "rotation without topics": {"rotation": {"next_rotation_time": SOON}},
    "rotation at once": {
        "topics": TOPICS[:1],
        "rotation": {"next_rotation_time": datetime.now(UTC)},
    },
    "a period without a beginning": {
        "topics": TOPICS[:1],
        "rotation": {"rotation_period": timedelta(hours=2)},
    },
    "rotation within the hour": {
        "topics": TOPICS[:1],
        "rotation": {"next_rotation_time": SOON, "rotation_period": timedelta(minutes=59)},
    },
}
# What is missing is called so, whatever else would be wrong with it.
REQUIRED: dict[str, dict[str, Any]] = {
    "secret": {"secret_id": "s", "secret": None},
    "secret_id": {"secret_id": "", "secret": AUTOMATIC},
    "secret.replication": {"secret_id": "s", "secret": {"labels": {"a": "b"}}},
    "parent": {"parent": "", "secret_id": "s", "secret": AUTOMATIC},
}
RIGHT: dict[str, dict[str, Any]] = {
    "64 labels": {"labels": LABELS_64},
    "the longest label": {"labels": {"a" * 63: "b" * 63, "字": "ß-_9"}},
    "almost 16 KiB of annotations": {"annotations": ANNOTATIONS},
    "keys in each replica's location": replicas(
        {"location": "us-east1", **cmek("us-east1")},
        {"location": "europe-west3", **cmek("europe-west3")},
    ),
    "a global key": {"replication": {"automatic": cmek("global")}},
    "ten topics and rotation": {
        "topics": TOPICS[:10],
        "rotation": {"next_rotation_time": SOON, "rotation_period": timedelta(hours=1)},
    },
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
def test_refused(client: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        create(client, **fields)


@pytest.mark.parametrize("field", REQUIRED)
def test_required(client: Any, field: str) -> None:
    request = {"parent": f"projects/{SecretManager.project}", **REQUIRED[field]}
    with pytest.raises(exceptions.InvalidArgument, match=rf"Field \[{field}\] is required"):
        client.create_secret(request=request)


@pytest.mark.parametrize("fields", RIGHT.values(), ids=RIGHT)
def test_accepted(client: Any, fields: dict[str, Any]) -> None:
    made = create(client, **fields)
    for field in fields:
        assert getattr(made, field)
    client.delete_secret(name=made.name)


@pytest.mark.parametrize("secret_id", ["", "a.b", "a/b", "a b", "ä", "a" * 256])
def test_an_id_that_is_refused(client: Any, secret_id: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        create(client, secret_id=secret_id)


def test_the_longest_id(client: Any) -> None:
    secret_id = secrets.token_hex(6) + "-" + "aZ0_-" * 48 + "ab"
    assert len(secret_id) == 255
    assert create(client, secret_id=secret_id).name.endswith(f"/{secret_id}")


@pytest.mark.parametrize(
    "name",
    ["", "secrets/s", "projects/p", "projects/p/secrets/s/versions/1", "projects//secrets/s"],
)
def test_a_name_of_another_form(client: Any, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        client.get_secret(name=name)


@pytest.mark.parametrize(
    ("aliases", "right"),
    [
        ({"a": 1, "Z-_9": 2}, True),
        ({"a" * 63: 1}, True),
        ({f"a{n}": 1 for n in range(50)}, True),
        ({f"a{n}": 1 for n in range(51)}, False),
        ({"a" * 64: 1}, False),
        ({"latest": 1}, False),
        ({"NEW": 1}, False),
        ({"1a": 1}, False),
        ({"a.b": 1}, False),
        ({"a": 3}, False),
        ({"a": 0}, False),
    ],
)
def test_aliases(client: Any, aliases: dict[str, int], right: bool) -> None:
    secret = create(client)
    for _ in range(2):
        client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    request = {
        "secret": {"name": secret.name, "version_aliases": aliases},
        "update_mask": {"paths": ["version_aliases"]},
    }
    if right:
        assert dict(client.update_secret(request=request).version_aliases) == aliases
        return
    with pytest.raises(exceptions.InvalidArgument):
        client.update_secret(request=request)


def test_where_a_version_is_and_by_which_key_it_is_encrypted(client: Any) -> None:
    secret = create(client, **RIGHT["keys in each replica's location"])
    version = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    found = {
        replica.location: replica.customer_managed_encryption.kms_key_version_name
        for replica in version.replication_status.user_managed.replicas
    }
    expected = ("us-east1", "europe-west3")
    assert found == {place: f"{KEY.format(place)}/cryptoKeyVersions/1" for place in expected}


def test_a_new_key_is_for_new_versions(client: Any) -> None:
    secret = create(client, **RIGHT["a global key"])
    one = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    other = {"customer_managed_encryption": {"kms_key_name": KEY.format("global") + "2"}}
    client.update_secret(
        secret={"name": secret.name, "replication": {"automatic": other}},
        update_mask={"paths": ["replication.automatic.customer_managed_encryption"]},
    )
    two = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    keys = [
        v.replication_status.automatic.customer_managed_encryption.kms_key_version_name
        for v in (client.get_secret_version(name=one.name), two)
    ]
    assert keys == [f"{KEY.format('global')}{n}/cryptoKeyVersions/1" for n in ("", "2")]


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("DISABLED", exceptions.FailedPrecondition),
        ("DESTROYED", exceptions.FailedPrecondition),
        ("DENIED", exceptions.PermissionDenied),
    ],
)
def test_a_key_that_is_out_of_reach(
    client: Any, fake: SecretManager, state: str, refusal: type[Exception]
) -> None:
    key = KEY.format("global")
    secret = create(client, **RIGHT["a global key"])
    version = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    fake.kms(key, state)
    with pytest.raises(refusal, match=r"KMS|kms"):
        client.access_secret_version(name=version.name)
    with pytest.raises(refusal, match=r"KMS|kms"):
        client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    fake.kms(key, "ENABLED")
    assert client.access_secret_version(name=version.name).payload.data == b"x"


# -- regional secrets


def test_a_regional_secret_is_another_one(client: Any) -> None:
    place = "/locations/europe-west3"
    secret_id = f"r-{secrets.token_hex(6)}"
    regional = create(client, secret_id=secret_id, place=place, **cmek("europe-west3"))
    assert regional.name == f"projects/{SecretManager.number}{place}/secrets/{secret_id}"
    glob = create(client, secret_id=secret_id)
    version = client.add_secret_version(parent=regional.name, payload={"data": b"x"})
    assert version.name == f"{regional.name}/versions/1"
    assert version.customer_managed_encryption.kms_key_version_name
    assert client.access_secret_version(name=version.name).payload.data == b"x"
    with pytest.raises(exceptions.NotFound):
        client.access_secret_version(name=f"{glob.name}/versions/latest")
    parent = f"projects/{SecretManager.project}"
    request = {"parent": parent + place, "filter": f"name:{secret_id}"}
    assert [s.name for s in client.list_secrets(request=request)] == [regional.name]


@pytest.mark.parametrize(
    "fields", [AUTOMATIC, cmek("global")], ids=["replication", "a key from elsewhere"]
)
def test_what_a_regional_secret_has_not(client: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        create(client, place="/locations/europe-west3", **fields)


def test_an_endpoint_serves_its_location(client: Any, fake: SecretManager) -> None:
    glob, regional = create(client), create(client, place="/locations/us-east1")
    for location, served, other in (
        ("us-east1", regional, glob),
        ("global", glob, regional),
    ):
        fake.set(location=location)
        assert client.get_secret(name=served.name) == served
        with pytest.raises(exceptions.InvalidArgument):
            client.get_secret(name=other.name)


# -- filters


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("name:{mark}-A", "a"),
        ("name:{mark} labels.stage=test", "ab"),
        ("name:{mark} AND labels.stage=TEST", "ab"),
        ("name:{mark} AND NOT labels.stage=test", "c"),
        ("name:{mark} -labels.stage:es", "c"),
        ("name:{mark} AND labels.stage!=test", "c"),
        ("name:{mark} AND labels:team", "b"),
        ("name:{mark} AND labels.team:*", "b"),
        ("name:{mark}-a OR name:{mark}-c", "ac"),
        ('name:{mark} (labels.team=x OR annotations.note:"a b")', "bc"),
        ("name:{mark} AND replication.automatic:*", "ab"),
        ("name:{mark} AND replication.userManaged.replicas.location:us-east1", "c"),
        ("name:{mark} AND replication.user_managed.replicas.location:us-east1", "c"),
        ("name:{mark} AND create_time>2020-01-01T00:00:00Z", "abc"),
        ("name:{mark} AND createTime<2020-01-01T00:00:00Z", ""),
        ("name:{mark} AND expire_time>2020-01-01T00:00:00Z", "b"),
    ],
)
def test_filters(client: Any, filter_: str, found: str) -> None:
    mark = f"f-{secrets.token_hex(6)}"
    create(client, secret_id=f"{mark}-a", labels={"stage": "test"})
    labels = {"stage": "test", "team": "x"}
    create(client, secret_id=f"{mark}-b", labels=labels, ttl=timedelta(hours=1))
    create(
        client,
        secret_id=f"{mark}-c",
        annotations={"note": "an a B c"},
        **replicas({"location": "us-east1"}),
    )
    request = {
        "parent": f"projects/{SecretManager.project}",
        "filter": filter_.format(mark=mark),
    }
    page = next(iter(client.list_secrets(request=request).pages))
    assert "".join(sorted(s.name[-1] for s in page.secrets)) == found
    assert page.total_size == 0


NO_FILTERS = """
    name | name: | :x | nothing=1 | name:a AND | (name:a | name:a) | () | name~a | labels<1
    create_time>yesterday | name.x=1 | "name":a | etag=1 | name:"a | replication.x:*
"""


@pytest.mark.parametrize("filter_", re.split(r" \| |\n", NO_FILTERS.strip()))
def test_a_filter_that_is_none(client: Any, filter_: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        client.list_secrets(
            request={"parent": f"projects/{SecretManager.project}", "filter": filter_.strip()}
        )


def test_a_page_has_25000_at_most() -> None:
    """In this process: over a connection, so many would take long to make."""
    service = Service()
    service.access.add_project(Project("p", "1"))
    service.access.tokens["t"] = caller_from({})
    for n in range(25_001):
        name = Name("1", secret=f"s{n}")
        made = service.store.add(name, Secret(name=str(name), **AUTOMATIC))
        service.store.clock.stamp(made.message.create_time)
    request = METHODS["ListSecrets"].request(parent="projects/p", page_size=30_000)
    headers = {"authorization": "Bearer t"}
    page = service.call("ListSecrets", request, headers)
    assert (len(page.secrets), page.total_size) == (25_000, 25_001)
    request.page_token = page.next_page_token
    last = service.call("ListSecrets", request, headers)
    assert ([s.name for s in last.secrets], last.next_page_token) == (
        ["projects/1/secrets/s0"],
        "",
    )


def test_versions_by_their_state(client: Any) -> None:
    secret = create(client)
    for _ in range(2):
        client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    client.disable_secret_version(name=f"{secret.name}/versions/1")
    for filter_, found in (("state:DISABLED", ["1"]), ("NOT state=DISABLED", ["2"])):
        request = {"parent": secret.name, "filter": filter_}
        versions = list(client.list_secret_versions(request=request))
        assert [version.name[-1] for version in versions] == found
