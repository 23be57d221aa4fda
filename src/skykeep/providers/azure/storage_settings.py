"""What a configuration may say of objects in Azure Blob Storage."""

from __future__ import annotations

import re
from typing import Literal

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

# "Storage account name": 3 to 24 small letters and digits (azure-docs ``storage-account-
# overview.md``). "Container names": 3 to 63 small letters, digits and single hyphens ("Naming
# and referencing containers, blobs, and metadata", Azure Storage REST API).
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_SCOPE = re.compile(r"[A-Za-z0-9-]{3,63}")
_SUBSCRIPTION = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# "Naming rules and restrictions for Azure resources": alphanumerics, '_', '-', '.', '(', ')'.
_GROUP = re.compile(r"[\w.()-]{0,89}[\w()-]")

_OF_CONTAINER = (
    "objects_prefix",
    "objects_endpoint",
    "encryption_scope",
    "subscription",
    "resource_group",
    "management_endpoint",
)
_LOGINS = ("account_key", "sas_token", "connection_string")


class StorageSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Objects in one container of Azure Blob Storage.

    Attributes:
        storage_account: the name of the storage account; by default the one that the
            connection string names.
        container: the container that objects are kept in.
        objects_prefix: put before every object's key in the container and taken off again; a
            closing slash is the user's choice.
        objects_endpoint: the address of the account's blobs, if it is not
            ``https://ACCOUNT.blob.core.windows.net``; for Azurite with the account as its
            path.
        encryption_scope: the encryption scope of new objects; by default the container's.
        object_checksum: what is sent with a body so that Azure refuses a damaged one: md5,
            which it also keeps and tells for objects written in one call; none.
        account_key_env: the variable that holds the account's key. Without a key, a token or a
            connection string, auth says whose Entra tokens are used.
        account_key_file: or its file.
        sas_token_env: the variable that holds a shared access signature for the container.
        sas_token_file: or its file.
        connection_string_env: the variable that holds a connection string.
        connection_string_file: or its file.
        subscription: the id of the account's subscription: with resource_group, rules of
            lifecycle and the account's region can be asked for.
        resource_group: the name of the account's resource group.
        management_endpoint: the address of Azure's management, if it is not the cloud's own.
    """

    storage_account: NonEmpty | None = None
    container: NonEmpty | None = None
    objects_prefix: str | None = None
    objects_endpoint: NonEmpty | None = None
    encryption_scope: NonEmpty | None = None
    object_checksum: Literal["md5", "none"] = "md5"
    account_key_env: NonEmpty | None = None
    account_key_file: NonEmpty | None = None
    sas_token_env: NonEmpty | None = None
    sas_token_file: NonEmpty | None = None
    connection_string_env: NonEmpty | None = None
    connection_string_file: NonEmpty | None = None
    subscription: NonEmpty | None = None
    resource_group: NonEmpty | None = None
    management_endpoint: NonEmpty | None = None

    @property
    def login(self) -> str | None:
        """Which kind of credential of the account itself is named; None for Entra."""
        return next(
            (
                stem
                for stem in _LOGINS
                if getattr(self, f"{stem}_env") or getattr(self, f"{stem}_file")
            ),
            None,
        )

    def check_objects(self) -> None:
        """Raise ``ValueError`` for what cannot be meant."""
        keys = [f"{stem}_{kind}" for stem in _LOGINS for kind in ("env", "file")]
        if self.container is None:
            for key in ("storage_account", *_OF_CONTAINER, *keys):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} needs container, where objects are kept")
            return
        given = [key for key in keys if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}: one says how to log in")
        if self.storage_account is None and self.login != "connection_string":
            raise ValueError("container needs storage_account, which it is in")
        self._check_names()
        if (self.subscription is None) is not (self.resource_group is None):
            raise ValueError("subscription and resource_group go together")
        if self.management_endpoint is not None and self.subscription is None:
            raise ValueError("management_endpoint needs subscription and resource_group")
        try:
            check_key(f"{self.objects_prefix or ''}x")
        except Invalid as error:
            raise ValueError(f"objects_prefix cannot begin keys: {error.message}") from None

    def _check_names(self) -> None:
        for key, form, says in (
            ("storage_account", _ACCOUNT, "a storage account: 3 to 24 of a-z and 0-9"),
            ("container", _CONTAINER, "a container: 3 to 63 of a-z, 0-9 and single '-'"),
            ("encryption_scope", _SCOPE, "an encryption scope"),
            ("subscription", _SUBSCRIPTION, "the id of a subscription"),
            ("resource_group", _GROUP, "the name of a resource group"),
        ):
            value = getattr(self, key)
            if value is not None and not form.fullmatch(value):
                raise ValueError(f"'{value}' is not {says}")
