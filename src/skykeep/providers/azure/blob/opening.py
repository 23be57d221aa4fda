"""Opens the container that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from skykeep.errors import ConfigError
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.references import Reference
from skykeep.providers.azure.blob.access import Access, Entra, SharedKey, Signed
from skykeep.providers.azure.blob.client import Container
from skykeep.providers.azure.blob.container import MAX_WRITE
from skykeep.providers.azure.blob.management import Management, account_path
from skykeep.providers.azure.blob.rules import Rules
from skykeep.providers.azure.blob.writing import BlobObjects
from skykeep.providers.azure.credentials import open_credentials
from skykeep.providers.azure.settings import AzureSettings
from skykeep.providers.wire import Wire, WireOptions

EXCHANGE_SECONDS: Final = 300.0
"""For a call without a deadline: a part may be of many megabytes, and the way to Azure long."""
_SECRETS: Final = ("accountkey", "sharedaccesssignature")
_WORDS: Final = {
    "account_key": "the account's key",
    "sas_token": "a shared access signature",
    "connection_string": "a connection string",
}


async def open_objects(settings: AzureSettings, context: OpenContext) -> BlobObjects:
    """The driver of a configured target. Asks nobody: the first call finds credentials, but for
    a connection string, which says where the account is.

    Raises ``ConfigError`` (container, endpoint, TLS, connection string), ``Unauthenticated``,
    ``MissingExtra``.
    """
    if settings.container is None:
        raise ConfigError(
            "this Azure target keeps no objects: it names no container",
            hint="set container, and storage_account to the account that it is in",
        )
    place = _place_of(settings, context)
    options = replace(
        WireOptions.of(settings),
        exchange_timeout=EXCHANGE_SECONDS,
        max_reply_bytes=MAX_WRITE,
        decompress=False,
    )
    wire = Wire(
        place.address,
        options=options,
        environ=context.environ,
        extra="azure",
        name=context.target,
    )
    access: Access
    if place.key is not None:
        access = SharedKey(place.account, place.key)
    elif place.signature is not None:
        access = Signed(place.signature)
    else:
        access = Entra(await open_credentials(settings, context), settings.tenant)
    container = Container(wire, place.account, settings.container, access)
    management = await _management(settings, context, place.account)
    return BlobObjects(settings, container, management)


@dataclass(frozen=True, slots=True)
class _Place:
    """An account, where it is, and what reads a credential of its own anew; neither for
    Entra."""

    account: str
    address: str
    key: Callable[[], str] | None = None
    signature: Callable[[], str] | None = None


def _place_of(settings: AzureSettings, context: OpenContext) -> _Place:
    login = settings.login
    account = settings.storage_account or ""
    usual = f"https://{account}.blob.{settings.home.blobs.removeprefix('blob.')}"
    address = settings.objects_endpoint or usual
    if login is None:
        return _Place(account, address)
    reference = Reference(
        _WORDS[login],
        getattr(settings, f"{login}_file"),
        getattr(settings, f"{login}_env") or "",
        context.environ,
        "Azure Blob Storage",
    )
    if login == "account_key":
        return _Place(account, address, key=reference.read)
    if login == "sas_token":
        return _Place(account, address, signature=reference.read)
    return _by_connection_string(settings, reference)


def _by_connection_string(settings: AzureSettings, reference: Reference) -> _Place:
    """The account that a connection string is of ("Configure Azure Storage connection
    strings", azure-docs). Raises ``ConfigError``."""
    told = _pairs(reference.read())
    # No frame that raises holds a key.
    field = next((name for name in _SECRETS if name in told), "")
    shown = {name: value for name, value in told.items() if name not in _SECRETS}
    del told
    account = settings.storage_account or shown.get("accountname", "")
    if not account:
        raise ConfigError(
            f"the connection string in {reference.place} names no account",
            hint="set storage_account, or copy it whole: az storage account "
            "show-connection-string",
        )
    suffix = shown.get("endpointsuffix", settings.home.blobs.removeprefix("blob."))
    usual = f"{shown.get('defaultendpointsprotocol', 'https')}://{account}.blob.{suffix}"
    address = settings.objects_endpoint or shown.get("blobendpoint") or usual

    def read() -> str:
        return _pairs(reference.read()).get(field, "")

    match field:
        case "accountkey":
            return _Place(account, address, key=read)
        case "sharedaccesssignature":
            return _Place(account, address, signature=read)
    raise ConfigError(
        f"the connection string in {reference.place} has neither a key nor a signature",
        hint="it has AccountKey=… or SharedAccessSignature=…",
    )


def _pairs(text: str) -> dict[str, str]:
    """The fields of a connection string, names in small letters."""
    pairs = (each.partition("=") for each in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


async def _management(
    settings: AzureSettings, context: OpenContext, account: str
) -> Management | None:
    if settings.subscription is None or settings.resource_group is None:
        return None
    host = settings.home.management
    wire = Wire(
        settings.management_endpoint or f"https://{host}",
        options=WireOptions.of(settings),
        environ=context.environ,
        extra="azure",
        name=context.target,
    )
    return Management(
        wire,
        await open_credentials(settings, context),
        f"https://{host}/.default",
        settings.tenant,
        account=account_path(settings.subscription, settings.resource_group, account),
        rules=Rules(settings.container or "", settings.objects_prefix or ""),
    )
