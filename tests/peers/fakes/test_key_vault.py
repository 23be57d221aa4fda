"""The official client works with the Key Vault fake; pages, names of hosts, and control."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.asking_key_vault import ask, follow, put
from tests.peers.faults import FaultProxy, Reset
from tests.peers.starting import free_ports

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
AT_ONCE = {"_polling_interval": 0}


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


def client_of(vault: KeyVault, address: str | None = None) -> SecretClient:
    return SecretClient(
        address or vault.address,
        vault.vaults.credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
        retry_total=0,
    )


# -- the official client


def test_the_client_writes_reads_and_lists(vault: KeyVault) -> None:
    with client_of(vault) as client:
        first = client.set_secret("db-password", "one")
        second = client.set_secret(
            "db-password",
            "two",
            tags={"team": "a"},
            content_type="text/plain",
            not_before=NOW - HOUR,
            expires_on=NOW + HOUR,
        )
        found = client.get_secret("db-password")
        assert (found.value, found.properties.version) == ("two", second.properties.version)
        assert found.properties.tags == {"team": "a"}
        assert found.properties.content_type == "text/plain"
        assert found.properties.not_before == NOW - HOUR
        assert found.properties.expires_on == NOW + HOUR
        assert found.properties.recovery_level == "Recoverable+Purgeable"
        assert found.properties.recoverable_days == 90
        old = client.get_secret("db-password", first.properties.version)
        assert (old.value, old.properties.tags) == ("one", None)
        versions = client.list_properties_of_secret_versions("db-password")
        made = {first.properties.version, second.properties.version}
        assert {version.version for version in versions} == made
        client.set_secret("another", "three")
        assert [one.name for one in client.list_properties_of_secrets()] == [
            "another",
            "db-password",
        ]


def test_the_client_changes_what_is_not_the_value(vault: KeyVault) -> None:
    with client_of(vault) as client:
        version = client.set_secret("a", "x", tags={"one": "1"}).properties.version
        client.set_secret("a", "y")
        client.update_secret_properties("a", version, enabled=False, tags={"two": "2"})
        with pytest.raises(HttpResponseError, match="not allowed on a disabled secret"):
            client.get_secret("a", version)
        assert client.get_secret("a").value == "y"
        changed = client.update_secret_properties("a", version, enabled=True)
        assert (changed.tags, changed.enabled) == ({"two": "2"}, True)
        assert client.get_secret("a", version).value == "x"


@pytest.mark.parametrize("polls", [0, 2])
def test_the_client_deletes_recovers_and_purges(key_vault: KeyVaults, polls: int) -> None:
    vault = key_vault.new(delete_polls=polls, recover_polls=polls, purge_polls=polls)
    with client_of(vault) as client:
        client.set_secret("a", "x")
        gone = client.begin_delete_secret("a", **AT_ONCE)
        gone.wait()
        assert gone.result().recovery_id == f"{vault.address}/deletedsecrets/a"
        assert [one.name for one in client.list_deleted_secrets()] == ["a"]
        with pytest.raises(ResourceNotFoundError):
            client.get_secret("a")
        client.begin_recover_deleted_secret("a", **AT_ONCE).wait()
        assert client.get_secret("a").value == "x"
        client.begin_delete_secret("a", **AT_ONCE).wait()
        kept = client.get_deleted_secret("a")
        assert kept.deleted_date is not None
        assert kept.scheduled_purge_date == kept.deleted_date + timedelta(days=90)
        client.purge_deleted_secret("a")
        for _ in range(polls):
            with pytest.raises(ResourceExistsError):
                client.set_secret("a", "y")
        assert client.set_secret("a", "y").value == "y"


def test_the_client_backs_up_and_restores(key_vault: KeyVaults, vault: KeyVault) -> None:
    with client_of(vault) as client, client_of(key_vault.new()) as other:
        first = client.set_secret("a", "one").properties.version
        client.set_secret("a", "two")
        blob = client.backup_secret("a")
        assert b"two" not in blob
        with pytest.raises(ResourceExistsError):
            client.restore_secret_backup(blob)
        assert other.restore_secret_backup(blob).name == "a"
        assert other.get_secret("a").value == "two"
        assert other.get_secret("a", first).value == "one"
        with pytest.raises(HttpResponseError, match="Backup blob is corrupt"):
            other.restore_secret_backup(blob[:-1] + bytes([blob[-1] ^ 1]))


@pytest.mark.asyncio
async def test_the_asynchronous_client_does_the_same(key_vault: KeyVaults) -> None:
    vault = key_vault.new(delete_polls=1, recover_polls=1)
    async with (
        key_vault.async_credential() as credential,
        AsyncSecretClient(
            vault.address,
            credential,
            connection_verify=str(key_vault.ca),
            verify_challenge_resource=False,
        ) as client,
    ):
        version = (await client.set_secret("a", "x", tags={"k": "v"})).properties.version
        assert (await client.get_secret("a", version)).value == "x"
        await client.update_secret_properties("a", content_type="t")
        assert (await client.get_secret("a")).properties.content_type == "t"
        assert [one.name async for one in client.list_properties_of_secrets()] == ["a"]
        assert (await client.delete_secret("a", **AT_ONCE)).name == "a"
        assert [one.name async for one in client.list_deleted_secrets()] == ["a"]
        await client.recover_deleted_secret("a", **AT_ONCE)
        assert (await client.get_secret("a")).value == "x"
        await client.delete_secret("a", **AT_ONCE)
        await client.purge_deleted_secret("a")
        with pytest.raises(ResourceNotFoundError):
            await client.get_deleted_secret("a")


def test_the_client_sends_no_value_before_the_challenge(vault: KeyVault) -> None:
    with client_of(vault) as client:
        client.set_secret("a", "x")
    seen = [(one["status"], one["token"], one["body"] > 0) for one in vault.requests()]
    assert seen == [(401, False, False), (200, True, True)]


def test_a_fault_proxy_brings_its_own_certificate(
    vault: KeyVault, authority: Authority
) -> None:
    with FaultProxy(vault.plain, tls=authority.issue().server()) as proxy:
        with client_of(vault, proxy.address) as client:
            assert str(client.set_secret("a", "x").id).startswith(f"{proxy.address}/secrets/a/")
            proxy.fail(Reset())
            with pytest.raises(ServiceResponseError):
                client.get_secret("a")
        assert client_of(vault).get_secret("a").value == "x"


# -- pages


def test_a_list_comes_in_pages(vault: KeyVault) -> None:
    names = sorted(f"name-{number:02}" for number in range(53))
    for name in names:
        put(vault, name)
    with client_of(vault) as client:
        pages = [
            [one.name for one in page] for page in client.list_properties_of_secrets().by_page()
        ]
    assert [len(page) for page in pages] == [25, 25, 3]
    assert [name for page in pages for name in page] == names


def test_a_next_link_is_of_the_recorded_form(vault: KeyVault) -> None:
    for name in ("a", "B", "c"):
        put(vault, name)
    page = ask(vault, "GET", "/secrets", query="api-version=7.4&maxresults=2")
    assert [item["id"].rpartition("/")[2] for item in page.body["value"]] == ["a", "B"]
    link = page.body["nextLink"]
    assert link.startswith(
        f"{vault.address}/secrets?api-version=7.4&$skiptoken=eyJOZXh0TWFya2Vy"
    )
    assert link.endswith("&maxresults=2")
    # What was deleted meanwhile does not take the next one with it.
    ask(vault, "DELETE", "/secrets/a")
    last = follow(vault, link)
    assert [item["id"].rpartition("/")[2] for item in last.body["value"]] == ["c"]
    assert last.body["nextLink"] is None


def test_the_port_is_in_a_next_link_though_it_is_the_usual_one(vault: KeyVault) -> None:
    for name in ("a", "b"):
        put(vault, name)
    query, host = "api-version=7.4&maxresults=1", {"Host": vault.host}
    page = ask(vault, "GET", "/secrets", query=query, headers=host)
    assert page.body["value"][0]["id"] == f"https://{vault.host}/secrets/a"
    assert page.body["nextLink"].startswith(f"https://{vault.host}:443/secrets?")


def test_an_empty_page_is_not_the_end(key_vault: KeyVaults) -> None:
    vault = key_vault.new(empty_pages=True)
    for name in ("a", "b", "c"):
        put(vault, name)
    link, sizes = "/secrets?api-version=7.6&maxresults=2", []
    while link:
        page = follow(vault, link)
        sizes.append(len(page.body["value"]))
        link = page.body["nextLink"]
    assert sizes == [0, 2, 0, 1]
    with client_of(vault) as client:
        assert [one.name for one in client.list_properties_of_secrets()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "query", ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=nonsense"]
)
def test_a_wrong_page_is_refused(vault: KeyVault, query: str) -> None:
    for path in ("/secrets", "/deletedsecrets"):
        answer = ask(vault, "GET", path, query=f"api-version=7.6&{query}")
        assert (answer.status, answer.code) == (400, "BadParameter")


def test_versions_are_listed_by_id_and_their_times_are_whole_seconds(vault: KeyVault) -> None:
    before = int(time.time())
    made = [put(vault, "a", str(number)).body for number in range(30)]
    after = int(time.time())
    ids = [body["id"].rpartition("/")[2] for body in made]
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
    assert ids != sorted(ids)
    assert {before <= body["attributes"]["created"] <= after for body in made} == {True}
    first = ask(vault, "GET", "/secrets/a/versions")
    second = follow(vault, first.body["nextLink"])
    shown = [*first.body["value"], *second.body["value"]]
    assert [item["id"].rpartition("/")[2] for item in shown] == sorted(ids)
    assert not any("value" in item for item in shown)
    assert parse_qs(urlsplit(first.body["nextLink"]).query)["api-version"] == ["7.6"]


def test_there_are_no_versions_of_what_is_not_there(vault: KeyVault) -> None:
    answer = ask(vault, "GET", "/secrets/nothing/versions")
    assert (answer.status, answer.body) == (200, {"value": [], "nextLink": None})


# -- where it is


def test_a_host_name_chooses_the_vault(key_vault: KeyVaults, vault: KeyVault) -> None:
    other = key_vault.new()
    put(other, "a", "of the other")
    found = ask(vault, "GET", "/secrets/a", headers={"Host": other.host})
    assert found.body["value"] == "of the other"
    assert ask(vault, "GET", "/secrets/a").status == 404


def test_a_vault_can_be_given_its_port_and_be_closed(key_vault: KeyVaults) -> None:
    (port,) = free_ports(1)
    vault = key_vault.new(port=port)
    assert vault.address == f"https://127.0.0.1:{port}"
    with pytest.raises(AssertionError, match="mistake"):
        key_vault.new(port=port)
    with client_of(vault) as client:
        client.set_secret("a", "x")
        vault.close()
        # The connection that the client had is no way in, either.
        with pytest.raises(ServiceRequestError):
            client.get_secret("a")
    with pytest.raises(ConnectionRefusedError):
        put(vault, "a")


def test_a_mistake_in_what_is_wished_is_told(key_vault: KeyVaults, vault: KeyVault) -> None:
    for wrong in (
        lambda: key_vault.new(delete_pols=1),
        lambda: key_vault.new(vault.name),
        lambda: vault.change(grants=[{"oid": "a", "permissions": ["gett"]}]),
        lambda: key_vault.trust("no key"),
    ):
        with pytest.raises(AssertionError, match="mistake"):
            wrong()


def test_a_slow_vault_has_not_answered_yet(key_vault: KeyVaults) -> None:
    vault = key_vault.new(latency=600.0)
    with pytest.raises(TimeoutError):
        ask(vault, "GET", "/secrets", timeout=0.2)
    vault.change(latency=0.0)
    assert ask(vault, "GET", "/secrets").status == 200


def test_answers_have_the_services_headers(vault: KeyVault) -> None:
    answer = ask(vault, "GET", "/secrets", headers={"x-ms-client-request-id": "mine"})
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    again = ask(vault, "GET", "/secrets")
    assert "x-ms-client-request-id" not in again.headers
    assert again.headers["x-ms-request-id"] != answer.headers["x-ms-request-id"]
