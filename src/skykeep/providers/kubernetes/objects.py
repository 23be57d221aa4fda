"""The shapes of Secrets as the API gives them, and what their metadata says.

Fields: Kubernetes' API reference, "Secret" and "ObjectMeta"; ``managedFields``: "Server-Side
Apply", "Field management". An answer of another shape is not an apiserver's.

The version of a value
    A Secret has no versions. ``resourceVersion`` changes with every change of any kind, so that
    it says more than that the value has changed. Each value that skykeep writes gets an id in
    the annotation ``skykeep-version``, in the same call. The server notes who set which key of
    the data: while that is skykeep alone, the id is about the value that is there. What
    others wrote has its ``resourceVersion`` as its id.

The stamp of a value
    is in the annotation ``skykeep-stamp``, in the same call, with the value's id behind it:
    ``STAMP.ID``. So it goes the way of the id: of what others wrote nothing is known, and
    neither of what a release of skykeep wrote that knew no stamps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from skykeep.interfaces.secret_driver import Stamp

MANAGER: Final = "skykeep"
"""The field manager that writes values."""
ATTRIBUTES: Final = "skykeep-attributes"
"""The one that writes what stands beside: the first one's time stays that of the value."""
VERSION: Final = "skykeep-version"
STAMP: Final = "skykeep-stamp"


class Managed(msgspec.Struct, rename="camel"):
    """What one manager has set, and when it last did."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: datetime | None = None
    fields: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


class Meta(msgspec.Struct, rename="camel"):
    """What every object has."""

    name: str
    uid: str
    resource_version: str
    creation_timestamp: datetime
    deletion_timestamp: datetime | None = None
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    finalizers: list[str] | None = None
    managed_fields: list[Managed] | None = None

    def __repr__(self) -> str:
        return f"Meta({self.name!r}, {self.resource_version!r})"


class SecretObject(msgspec.Struct):
    """A Secret; the values of ``data`` are base64."""

    metadata: Meta
    type: str = ""
    data: dict[str, str] | None = None
    immutable: bool | None = None

    def __repr__(self) -> str:
        return f"SecretObject({self.metadata!r})"


class Partial(msgspec.Struct):
    """An object without anything but its metadata."""

    kind: str
    metadata: Meta


class ListMeta(msgspec.Struct, rename={"continue_": "continue", "version": "resourceVersion"}):
    """Of a list: where the next page begins, and the state that it shows."""

    continue_: str = ""
    version: str = ""


class PartialList(msgspec.Struct):
    """A page of objects' metadata; ``items`` is None for none."""

    kind: str
    metadata: ListMeta
    items: list[Partial] | None = None


def version_of(meta: Meta, key: str) -> str:
    """The id of the value that is there; ``key`` is where ours are kept."""
    noted = (meta.annotations or {}).get(VERSION)
    owners = {(entry.manager, entry.operation, owned) for entry, owned in _data(meta)}
    if noted and owners == {(MANAGER, "Update", key)}:
        return noted
    return meta.resource_version


def stamp_of(meta: Meta, key: str) -> Stamp | None:
    """The stamp of the value that is there; None if it has none."""
    text, _, about = (meta.annotations or {}).get(STAMP, "").partition(".")
    return Stamp.parse(text) if about == version_of(meta, key) else None


def value_time(meta: Meta) -> datetime:
    """When the value was set, in UTC, as far as the server tells: whole seconds."""
    return max((entry.time for entry, _ in _data(meta) if entry.time), default=created(meta))


def created(meta: Meta) -> datetime:
    """When the object was made, in UTC."""
    return meta.creation_timestamp.astimezone(UTC)


def updated(meta: Meta) -> datetime:
    """When anything of it was last changed, in UTC, as far as the server tells."""
    times = [entry.time for entry in meta.managed_fields or () if entry.time]
    return max((*times, meta.creation_timestamp)).astimezone(UTC)


def _data(meta: Meta) -> Iterator[tuple[Managed, str]]:
    """Who has set which key of the data."""
    for entry in meta.managed_fields or ():
        keys = (entry.fields or {}).get("f:data")
        if isinstance(keys, dict):
            for owned in keys:
                if owned.startswith("f:"):
                    yield entry, owned[2:]
