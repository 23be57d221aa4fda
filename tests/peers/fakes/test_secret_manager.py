"""The fake of Secret Manager, judged by Google's own client, over gRPC and over REST."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1 as v1
from google.protobuf import field_mask_pb2

from tests.peers.google import SecretManager
from tests.peers.google_client import google_client

AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}
State = v1.SecretVersion.State


@pytest.fixture(params=["grpc", "rest"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(secret_manager: SecretManager) -> Iterator[SecretManager]:
    yield secret_manager
    secret_manager.settle()


@pytest.fixture
def client(fake: SecretManager, transport: str) -> Iterator[Any]:
    with google_client(fake, transport) as client:
        yield client


@pytest.fixture
def parent(fake: SecretManager) -> str:
    return f"projects/{fake.project}"


@pytest.fixture
def secret(client: Any, parent: str) -> Any:
    return client.create_secret(parent=parent, secret_id=fresh(), secret=AUTOMATIC)


def fresh() -> str:
    return f"s-{secrets.token_hex(6)}"


@contextmanager
def refused(status: str, sentence: str | None = None) -> Iterator[Any]:
    """What is within is refused with this code (over HTTP the client knows numbers only, so
    its answer is asked), in a sentence like this."""
    with pytest.raises(exceptions.GoogleAPICallError, match=sentence) as caught:
        yield caught
    error = caught.value
    if error.grpc_status_code is not None:
        assert error.grpc_status_code.name == status
    else:
        assert error.response.json()["error"]["status"] == status


def test_a_secret_is_created_read_and_deleted(client: Any, parent: str) -> None:
    name = fresh()
    made = client.create_secret(
        parent=parent,
        secret_id=name,
        secret={**AUTOMATIC, "labels": {"stage": "test"}, "annotations": {"a.b": "C d"}},
    )
    assert made.name == f"projects/{SecretManager.number}/secrets/{name}"
    assert made.create_time is not None
    assert made.etag.startswith('"')
    read = client.get_secret(name=f"{parent}/secrets/{name}")
    assert read == made
    assert dict(read.labels) == {"stage": "test"}
    assert dict(read.annotations) == {"a.b": "C d"}
    client.delete_secret(name=made.name)
    with refused("NOT_FOUND", rf"Secret \[{made.name}\] not found\.") as caught:
        client.get_secret(name=made.name)
    assert caught.value.code == 404


def test_what_is_for_input_or_output_only(client: Any, parent: str) -> None:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    given = {**AUTOMATIC, "tags": {"1/stage": "test"}, "name": "x", "create_time": long_ago}
    given["policy_member"] = {"iam_policy_uid_principal": "somebody"}
    made = client.create_secret(parent=parent, secret_id=fresh(), secret=given)
    assert not made.tags
    assert not made.policy_member.iam_policy_uid_principal
    assert made.name.startswith(f"projects/{SecretManager.number}/secrets/")
    assert made.create_time > long_ago


def test_a_second_one_of_that_name_is_refused(client: Any, parent: str, secret: Any) -> None:
    with refused("ALREADY_EXISTS", rf"{secret.name}\] already exists"):
        client.create_secret(
            parent=parent, secret_id=secret.name.rpartition("/")[2], secret=AUTOMATIC
        )


def test_a_payload_comes_back_with_its_checksum(client: Any, secret: Any) -> None:
    data = bytes(range(256))
    crc = int(google_crc32c.value(data))
    version = client.add_secret_version(
        parent=secret.name, payload={"data": data, "data_crc32c": crc}
    )
    assert version.name == f"{secret.name}/versions/1"
    assert version.state == State.ENABLED
    assert version.client_specified_payload_checksum
    answer = client.access_secret_version(name=f"{secret.name}/versions/latest")
    assert answer.name == version.name
    assert (answer.payload.data, answer.payload.data_crc32c) == (data, crc)


def test_the_service_counts_a_checksum_that_was_not_given(client: Any, secret: Any) -> None:
    version = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    assert not version.client_specified_payload_checksum
    answer = client.access_secret_version(name=version.name)
    assert answer.payload.data_crc32c == google_crc32c.value(b"x")


def test_a_wrong_checksum_is_refused_and_nothing_is_stored(client: Any, secret: Any) -> None:
    crc = int(google_crc32c.value(b"x"))
    with refused("INVALID_ARGUMENT", "checksum"):
        client.add_secret_version(
            parent=secret.name, payload={"data": b"y", "data_crc32c": crc}
        )
    assert list(client.list_secret_versions(parent=secret.name)) == []


def test_a_payload_of_64_kib_fits_and_one_more_byte_does_not(client: Any, secret: Any) -> None:
    client.add_secret_version(parent=secret.name, payload={"data": b"x" * 65_536})
    with refused("INVALID_ARGUMENT", "65536"):
        client.add_secret_version(parent=secret.name, payload={"data": b"x" * 65_537})


def test_an_empty_payload_is_none(client: Any, secret: Any) -> None:
    for payload in ({}, {"data": b""}):
        with refused("INVALID_ARGUMENT", r"Field \[payload\] is required"):
            client.add_secret_version(parent=secret.name, payload=payload)


def test_latest_is_the_newest_version_whatever_its_state(client: Any, secret: Any) -> None:
    one, two = (
        client.add_secret_version(parent=secret.name, payload={"data": data})
        for data in (b"one", b"two")
    )
    assert client.get_secret_version(name=f"{secret.name}/versions/latest").name == two.name
    disabled = client.disable_secret_version(name=two.name)
    assert disabled.state == State.DISABLED
    sentence = rf"Secret Version \[{two.name}\] is in DISABLED state\."
    with refused("FAILED_PRECONDITION", sentence):
        client.access_secret_version(name=f"{secret.name}/versions/latest")
    assert client.access_secret_version(name=one.name).payload.data == b"one"
    assert client.enable_secret_version(name=two.name).state == State.ENABLED
    latest = client.access_secret_version(name=f"{secret.name}/versions/latest")
    assert latest.payload.data == b"two"


def test_a_destroyed_version_is_gone_for_good(client: Any, secret: Any) -> None:
    version = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    destroyed = client.destroy_secret_version(name=version.name)
    assert destroyed.state == State.DESTROYED
    assert destroyed.destroy_time is not None
    for call in (
        client.access_secret_version,
        client.enable_secret_version,
        client.disable_secret_version,
        client.destroy_secret_version,
    ):
        with refused("FAILED_PRECONDITION", "DESTROYED"):
            call(name=version.name)
    assert client.get_secret_version(name=version.name).state == State.DESTROYED


def test_what_is_not_there(client: Any, parent: str, secret: Any) -> None:
    nowhere = f"{parent}/secrets/{fresh()}"
    cases = (
        (client.access_secret_version, f"{nowhere}/versions/latest", "has no versions"),
        (client.access_secret_version, f"{secret.name}/versions/latest", "has no versions"),
        (
            client.access_secret_version,
            f"{secret.name}/versions/1",
            "Secret Version .* not found",
        ),
        (client.access_secret_version, f"{secret.name}/versions/alias", "not found"),
        (client.destroy_secret_version, f"{secret.name}/versions/1", "Secret Version"),
        (client.delete_secret, nowhere, "not found"),
    )
    for call, name, sentence in cases:
        with refused("NOT_FOUND", sentence):
            call(name=name)
    with refused("NOT_FOUND", "not found"):
        client.add_secret_version(parent=nowhere, payload={"data": b"x"})
    with refused("NOT_FOUND", "not found"):
        client.list_secret_versions(parent=nowhere)


def test_aliases_are_for_reading(client: Any, secret: Any) -> None:
    version = client.add_secret_version(parent=secret.name, payload={"data": b"one"})
    client.add_secret_version(parent=secret.name, payload={"data": b"two"})
    changed = update(client, secret, ["version_aliases"], version_aliases={"stable": 1})
    assert dict(changed.version_aliases) == {"stable": 1}
    name = f"{secret.name}/versions/stable"
    assert client.access_secret_version(name=name).payload.data == b"one"
    assert client.get_secret_version(name=name).name == version.name
    with refused("INVALID_ARGUMENT"):
        client.destroy_secret_version(name=name)
    assert dict(update(client, secret, ["version_aliases"]).version_aliases) == {}


def update(client: Any, secret: Any, paths: list[str], **changes: Any) -> Any:
    return client.update_secret(
        secret={"name": secret.name, **changes},
        update_mask=field_mask_pb2.FieldMask(paths=paths),
    )


def test_an_update_changes_what_its_mask_names(client: Any, secret: Any) -> None:
    update(client, secret, ["labels"], labels={"a": "1"})
    changed = update(client, secret, ["annotations"], labels={"b": "2"}, annotations={"c": "3"})
    assert dict(changed.labels) == {"a": "1"}
    assert dict(changed.annotations) == {"c": "3"}
    assert changed.name == secret.name
    assert changed.replication == secret.replication
    for paths in ([], ["replication"], ["name"], ["etag"], ["create_time"], ["nothing"]):
        with refused("INVALID_ARGUMENT"):
            update(client, secret, paths, replication={"automatic": {}})


def test_etags_guard_changes_and_each_change_renews_them(client: Any, secret: Any) -> None:
    changed = update(client, secret, ["labels"], labels={}, etag=secret.etag)
    assert changed.etag != secret.etag
    with refused("FAILED_PRECONDITION", "etag") as caught:
        update(client, secret, ["labels"], labels={"a": "1"}, etag=secret.etag)
    assert caught.value.code == 400
    version = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    assert version.etag.startswith('"')
    assert client.get_secret(name=secret.name).etag == changed.etag
    for call in (
        client.disable_secret_version,
        client.enable_secret_version,
        client.enable_secret_version,
        client.destroy_secret_version,
    ):
        with refused("FAILED_PRECONDITION", "etag"):
            call(request={"name": version.name, "etag": '"0"'})
        renewed = call(request={"name": version.name, "etag": version.etag})
        assert renewed.etag != version.etag
        version = renewed
    with refused("FAILED_PRECONDITION", "etag"):
        client.delete_secret(request={"name": secret.name, "etag": secret.etag})
    client.delete_secret(request={"name": secret.name, "etag": changed.etag})


def test_lists_are_newest_first_and_in_pages(
    client: Any, parent: str, fake: SecretManager
) -> None:
    mark = fresh()
    made = [
        client.create_secret(parent=parent, secret_id=f"{mark}-{n}", secret=AUTOMATIC).name
        for n in range(5)
    ]
    pages = client.list_secrets(
        request={"parent": parent, "filter": f"name:{mark}", "page_size": 2}
    ).pages
    found = [[secret.name for secret in page.secrets] for page in pages]
    assert found == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    fake.set(page_size=3)
    page = next(iter(client.list_secrets(request={"parent": parent}).pages))
    assert len(page.secrets) == 3
    assert page.total_size >= 5
    for _ in range(3):
        client.add_secret_version(parent=made[0], payload={"data": b"x"})
    versions = list(client.list_secret_versions(request={"parent": made[0], "page_size": 2}))
    assert [version.name[-1] for version in versions] == ["3", "2", "1"]


def test_a_page_token_is_of_one_list(client: Any, parent: str, secret: Any) -> None:
    client.create_secret(parent=parent, secret_id=fresh(), secret=AUTOMATIC)
    first = next(iter(client.list_secrets(request={"parent": parent, "page_size": 1}).pages))
    for request in (
        {"parent": parent, "filter": "name:s", "page_token": first.next_page_token},
        {"parent": parent, "page_token": "nonsense"},
        {"parent": parent, "page_size": -1},
    ):
        with refused("INVALID_ARGUMENT"):
            client.list_secrets(request=request)


def test_a_deletion_between_two_pages_leaves_nothing_out(client: Any, parent: str) -> None:
    mark = fresh()
    made = [
        client.create_secret(parent=parent, secret_id=f"{mark}-{n}", secret=AUTOMATIC).name
        for n in range(4)
    ]
    request = {"parent": parent, "filter": f"name:{mark}", "page_size": 2}
    pages = iter(client.list_secrets(request=request).pages)
    seen = [secret.name for secret in next(pages).secrets]
    client.delete_secret(name=made[3])
    seen += [secret.name for secret in next(pages).secrets]
    assert seen == made[::-1]


def test_versions_are_destroyed_after_their_time(client: Any, parent: str, fake: Any) -> None:
    secret = client.create_secret(
        parent=parent,
        secret_id=fresh(),
        secret={**AUTOMATIC, "version_destroy_ttl": timedelta(days=1)},
    )
    added = client.add_secret_version(parent=secret.name, payload={"data": b"x"})
    name = added.name
    waiting = client.destroy_secret_version(name=name)
    assert waiting.state == State.DISABLED
    assert waiting.etag != added.etag
    ahead = waiting.scheduled_destroy_time - datetime.now(UTC)
    assert timedelta(hours=23) < ahead < timedelta(hours=25)
    with refused("FAILED_PRECONDITION", "scheduled"):
        client.destroy_secret_version(name=name)
    client.enable_secret_version(name=name)
    assert client.access_secret_version(name=name).payload.data == b"x"
    client.destroy_secret_version(name=name)
    fake.advance(25 * 3600)
    destroyed = client.get_secret_version(name=name)
    assert destroyed.state == State.DESTROYED
    assert not destroyed.scheduled_destroy_time


def test_an_expired_secret_is_gone(client: Any, parent: str, fake: SecretManager) -> None:
    secret = client.create_secret(
        parent=parent, secret_id=fresh(), secret={**AUTOMATIC, "ttl": timedelta(hours=1)}
    )
    assert secret.expire_time is not None
    assert not secret.ttl
    fake.advance(3601)
    with refused("NOT_FOUND"):
        client.get_secret(name=secret.name)
    assert secret.name not in {s.name for s in client.list_secrets(parent=parent)}


@pytest.mark.parametrize("path", ["ttl", "expire_time"])
def test_an_expiry_is_taken_back(client: Any, secret: Any, path: str) -> None:
    assert update(client, secret, ["ttl"], ttl=timedelta(hours=1)).expire_time
    assert not update(client, secret, [path]).expire_time


def test_latest_may_be_behind(client: Any, secret: Any, fake: SecretManager) -> None:
    fake.set(behind=2)
    for data in (b"one", b"two"):
        client.add_secret_version(parent=secret.name, payload={"data": data})
    name = f"{secret.name}/versions/latest"
    read = [client.access_secret_version(name=name).payload.data for _ in range(3)]
    assert read == [b"one", b"one", b"two"]
    assert client.access_secret_version(name=f"{secret.name}/versions/2")


def test_exhaustion_says_when_to_try_again(client: Any, secret: Any, fake: Any) -> None:
    fake.fail({"method": "GetSecret", "times": 1, "delay": 1.5})
    with refused("RESOURCE_EXHAUSTED") as caught:
        client.get_secret(name=secret.name, retry=None)
    assert caught.value.code == 429
    assert caught.value.reason == "RATE_LIMIT_EXCEEDED"
    if isinstance(caught.value.details[0], dict):  # as the client over REST gives them
        (delay,) = (d["retryDelay"] for d in caught.value.details if "retryDelay" in d)
        assert delay == "1.500s"
    else:
        (retry,) = (d for d in caught.value.details if d.DESCRIPTOR.name == "RetryInfo")
        assert retry.retry_delay.ToMilliseconds() == 1500
    assert client.get_secret(name=secret.name).name == secret.name


def test_payloads_can_change_on_their_way(client: Any, secret: Any, fake: Any) -> None:
    crc = int(google_crc32c.value(b"x"))
    fake.set(corrupt_writes=1)
    payload = {"data": b"x", "data_crc32c": crc}
    with refused("INVALID_ARGUMENT", "checksum"):
        client.add_secret_version(parent=secret.name, payload=payload)
    version = client.add_secret_version(parent=secret.name, payload=payload)
    fake.set(corrupt_reads=1)
    spoilt = client.access_secret_version(name=version.name).payload
    assert spoilt.data_crc32c == crc != google_crc32c.value(spoilt.data)
    assert client.access_secret_version(name=version.name).payload.data == b"x"


def test_both_transports_see_one_state(fake: SecretManager, parent: str) -> None:
    with google_client(fake, "grpc") as one, google_client(fake, "rest") as other:
        made = one.create_secret(parent=parent, secret_id=fresh(), secret=AUTOMATIC)
        other.add_secret_version(parent=made.name, payload={"data": b"x"})
        name = f"{made.name}/versions/latest"
        assert one.access_secret_version(name=name) == other.access_secret_version(name=name)
