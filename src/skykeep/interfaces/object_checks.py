"""What a write of an object says, checked before any call."""

from __future__ import annotations

from collections.abc import Mapping

from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.call import Target
from skykeep.interfaces.object_driver import Condition, ObjectAttributes, ObjectCapabilities
from skykeep.interfaces.object_writing import MARK_BYTES


def checked_attributes(
    content_type: str | None,
    metadata: Mapping[str, str] | None,
    tags: Mapping[str, str] | None,
    storage_class: str | None,
) -> ObjectAttributes:
    """The attributes as drivers get them. Raises ``Invalid`` for what no store keeps."""
    pairs = {name.lower(): value for name, value in (metadata or {}).items()}
    if len(pairs) != len(metadata or {}):
        raise Invalid("two names of the metadata differ in case only")
    for name, value in pairs.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise Invalid(
                f"{name!a} is not a name of metadata: use letters, digits, '-' and '_'"
            )
        if name.startswith("skykeep-"):
            raise Invalid(f"the metadata '{name}' is skykeep's own")
        if not value.isprintable() or not value.isascii() or value != value.strip():
            raise Invalid(
                f"the metadata '{name}' is not printable ASCII without spaces at its ends",
                hint="encode it: it travels as a header",
            )
    if content_type is not None and (not content_type.isascii() or "/" not in content_type):
        raise Invalid(f"{content_type!a} is not a content type, as in application/json")
    return ObjectAttributes(content_type, pairs, dict(tags or {}), storage_class)


def checked_condition(if_match: str | None, if_absent: bool) -> Condition:
    """The condition. Raises ``Invalid`` for two at once."""
    if if_match is not None and if_absent:
        raise Invalid("give if_match or if_absent, not both")
    return Condition(if_match, if_absent)


def check_room(
    can: ObjectCapabilities,
    attributes: ObjectAttributes,
    condition: Condition,
    target: Target,
) -> None:
    """Raises ``Unsupported`` for what the store cannot do, before a byte of a body is sent, and
    ``Invalid`` for what it has no room for."""
    lacking = [
        name
        for name, wanted in (
            ("metadata", attributes.metadata),
            ("tags", attributes.tags),
            ("content_type", attributes.content_type),
            ("storage_classes", attributes.storage_class),
            ("exclusive_create", condition.if_absent),
            ("compare_and_set", condition.if_match),
        )
        if wanted and not getattr(can, name)
    ]
    if lacking:
        raise Unsupported(f"{target.name} cannot do '{lacking[0]}'", hint="nothing happened")
    size = sum(len(k) + len(v.encode()) for k, v in attributes.metadata.items())
    if not condition.empty:
        size += MARK_BYTES
    if can.metadata and size > can.max_metadata_bytes:
        raise Invalid(
            f"{target.name} keeps at most {can.max_metadata_bytes:,} bytes of metadata; these "
            f"are {size:,}"
        )
    wanted = attributes.storage_class
    if wanted is not None and can.storage_classes and wanted not in can.storage_classes:
        raise Invalid(
            f"{target.name} has no storage class '{wanted}'",
            hint=f"it has {', '.join(can.storage_classes)}",
        )
