"""Where a container is, what settings are refused, whose credentials are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import ConfigError, Denied, SkykeepError, Unauthenticated
from skykeep.providers.azure.blob.access import Entra, SharedKey, Signed
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.secrets import open_secrets
from tests.peers.blob import ACCOUNT, KEY, Azurite
from tests.providers.azure.blob.opening_blob import opened
from tests.providers.azure.opening import context, settings

SUBSCRIPTION = "5ca1ab1e-0000-4000-8000-000000000001"
STRING = f"DefaultEndpointsProtocol=https;AccountName=books;AccountKey={KEY}"


async def where(environ: dict[str, str] | None = None, **keys: Any) -> str:
    driver = await open_objects(settings(container="c-1", **keys), context(environ))
    url = driver._container.wire.origin.url
    await driver.close()
    return url


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"storage_account": "books"}, "https://books.blob.core.windows.net"),
        (
            {"storage_account": "books", "cloud": "usgov"},
            "https://books.blob.core.usgovcloudapi.net",
        ),
        (
            {"storage_account": "books", "cloud": "china"},
            "https://books.blob.core.chinacloudapi.cn",
        ),
        (
            {"storage_account": "books", "vault_url": "https://v.vault.usgovcloudapi.net"},
            "https://books.blob.core.usgovcloudapi.net",
        ),
        (
            {"storage_account": "books", "vault": "till", "cloud": "china"},
            "https://books.blob.core.chinacloudapi.cn",
        ),
        (
            {"storage_account": "books", "objects_endpoint": "https://b.example/x"},
            "https://b.example/x",
        ),
        ({"connection_string_env": "S"}, "https://books.blob.core.windows.net"),
        ({"connection_string_env": "CHINA"}, "https://books.blob.core.chinacloudapi.cn"),
        ({"connection_string_env": "LOCAL"}, "http://127.0.0.1:1/books"),
        (
            {"connection_string_env": "LOCAL", "objects_endpoint": "https://b.example"},
            "https://b.example",
        ),
    ],
)
async def test_where_a_container_is(keys: dict[str, Any], expected: str) -> None:
    environ = {
        "S": STRING,
        "CHINA": f"{STRING};EndpointSuffix=core.chinacloudapi.cn",
        "LOCAL": f" {STRING};BlobEndpoint=http://127.0.0.1:1/books;\n",
    }
    assert await where(environ, **keys) == expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({}, Entra),
        ({"account_key_env": "K"}, SharedKey),
        ({"sas_token_env": "S"}, Signed),
        ({"connection_string_env": "WITH_KEY"}, SharedKey),
        ({"connection_string_env": "WITH_SAS"}, Signed),
    ],
)
async def test_by_what_right(keys: dict[str, Any], kind: type) -> None:
    environ = {
        "WITH_KEY": STRING,
        "WITH_SAS": "AccountName=books;SharedAccessSignature=sv=1&sig=x",
    }
    given = settings(storage_account="books", container="c-1", **keys)
    driver = await open_objects(given, context(environ))
    assert type(driver._container.access) is kind
    await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("environ", "kind", "says"),
    [
        ({}, Unauthenticated, "the variable S has none"),
        ({"S": "AccountKey=x"}, ConfigError, "names no account"),
        ({"S": "AccountName=books"}, ConfigError, "neither a key nor a signature"),
        ({"S": "hunter2"}, ConfigError, "names no account"),
    ],
)
async def test_a_connection_string_that_is_none(
    environ: dict[str, str], kind: type[SkykeepError], says: str
) -> None:
    error = await refused(kind, where(environ, connection_string_env="S"))
    assert says in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "kind", "says"),
    [
        ({"account_key_env": "K"}, Unauthenticated, "the variable K has none"),
        ({"account_key_env": "BAD"}, ConfigError, "not base64"),
        ({"sas_token_env": "BAD"}, ConfigError, "has no 'sig'"),
    ],
)
async def test_a_credential_that_is_none(
    azurite: Azurite, keys: dict[str, str], kind: type[SkykeepError], says: str
) -> None:
    driver = await opened(azurite, "c-1", environ={"BAD": "hunter2!"}, **keys)
    try:
        error = await refused(kind, driver.head("made"))
        assert says in str(error)
        assert "hunter2" not in f"{error} {vars(error)}"
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_a_connection_string_and_a_signature_work(
    azurite: Azurite, tmp_path: Path
) -> None:
    container = azurite.shared_container()
    file = tmp_path / "string"
    signature = azurite.signature(container)
    string = f"BlobEndpoint={azurite.address};AccountName={ACCOUNT};AccountKey={KEY}"
    for text in (string, f"{azurite.address}", signature):
        file.write_text(text + "\n")
        given: dict[str, Any] = {"container": container, "objects_prefix": "strings/"}
        if text is string:
            given["connection_string_file"] = str(file)
        elif text is signature:
            given |= {"storage_account": ACCOUNT, "objects_endpoint": azurite.address}
            given["sas_token_file"] = str(file)
        else:
            continue
        driver = await open_objects(settings(**given), context())
        await driver.write("made", body())
        assert (await driver.read("made")).data == body()
        await driver.close()


@pytest.mark.asyncio
async def test_a_signature_that_was_replaced_is_read_again(
    azurite: Azurite, tmp_path: Path
) -> None:
    container, file = azurite.shared_container(), tmp_path / "signature"
    file.write_text("sv=2024-11-04&sr=c&sp=r&se=2020-01-01T00:00:00Z&sig=eA==")
    driver = await opened(azurite, container, sas_token_file=str(file))
    try:
        await refused((Denied, Unauthenticated), driver.write("strings/x", body()))
        file.write_text(f"?{azurite.signature(container)}")
        await driver.write("strings/x", body())
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_a_target_without_a_container_keeps_no_objects() -> None:
    with pytest.raises(ConfigError, match="names no container"):
        await open_objects(settings(vault="till"), context())


@pytest.mark.asyncio
async def test_a_target_without_a_vault_keeps_no_secrets() -> None:
    given = settings(storage_account="books", container="c-1")
    with pytest.raises(ConfigError, match="names no vault"):
        await open_secrets(given, context())


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, "give one of vault_url"),
        ({"vault": "till", "objects_prefix": "a/"}, "needs container"),
        ({"vault": "till", "storage_account": "books"}, "needs container"),
        ({"vault": "till", "account_key_env": "K"}, "needs container"),
        ({"vault": "till", "subscription": SUBSCRIPTION}, "needs container"),
        ({"container": "abc"}, "needs storage_account"),
        ({"container": "abc", "account_key_env": "K"}, "needs storage_account"),
        ({"container": "ab", "storage_account": "books"}, "is not a container"),
        ({"container": "a" * 64, "storage_account": "books"}, "is not a container"),
        ({"container": "a--b", "storage_account": "books"}, "is not a container"),
        ({"container": "-ab", "storage_account": "books"}, "is not a container"),
        ({"container": "Upper", "storage_account": "books"}, "is not a container"),
        ({"container": "abc", "storage_account": "b"}, "is not a storage account"),
        ({"container": "abc", "storage_account": "a-b"}, "is not a storage account"),
        (
            {"account_key_env": "K", "sas_token_file": "f"},
            "give account_key_env or sas_token_file",
        ),
        (
            {"account_key_env": "K", "account_key_file": "f"},
            "give account_key_env or account_key_file",
        ),
        ({"subscription": SUBSCRIPTION}, "go together"),
        ({"resource_group": "g"}, "go together"),
        ({"subscription": "ours", "resource_group": "g"}, "is not the id of a subscription"),
        ({"subscription": SUBSCRIPTION, "resource_group": "a/b"}, "name of a resource group"),
        ({"management_endpoint": "https://m.example"}, "needs subscription"),
        ({"objects_prefix": "/a"}, "objects_prefix cannot begin keys"),
        ({"objects_prefix": "a//"}, "objects_prefix cannot begin keys"),
        ({"encryption_scope": "a b"}, "is not an encryption scope"),
        ({"object_checksum": "sha256"}, "sha256"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, Any], says: str) -> None:
    whole = {"container", "storage_account", "vault"} & keys.keys() or not keys
    given = keys if whole else {"container": "abc", "storage_account": "books", **keys}
    with pytest.raises(msgspec.ValidationError, match=says):
        settings(**given)


@pytest.mark.parametrize("container", ["abc", "a-b-c", "a" * 63, "1-2", "web"])
def test_settings_that_are_taken(container: str) -> None:
    given = settings(
        storage_account="books",
        container=container,
        objects_prefix="team/app-",
        subscription=SUBSCRIPTION,
        resource_group="rg_tests(1)",
        encryption_scope="our-scope",
    )
    assert (given.container, given.keeps_secrets) == (container, False)
