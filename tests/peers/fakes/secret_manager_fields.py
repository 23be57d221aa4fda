"""What a secret's fields may hold.

The limits are those in the comments of ``google.cloud.secretmanager_v1.types.resources``
(google-cloud-secret-manager 2.32) unless another source is named. Everything is refused with
INVALID_ARGUMENT.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from tests.peers.fakes.secret_manager_errors import invalid
from tests.peers.fakes.secret_manager_names import Name

KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
ANNOTATION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LOCATION = re.compile(r"[a-z]+-[a-z]+[0-9]+")

LABELS = 64
ALIASES = 50
TOPICS = 10
ANNOTATIONS_BYTES = 16 * 1024
CENTURY = 3_153_600_000  # seconds
# "At least 24h": Terraform's google provider, google_secret_manager_secret
DESTROY_TTL = 24 * 3600


def check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > LABELS:
        raise invalid(f"No more than {LABELS} labels can be assigned.", "secret.labels")
    for key, value in labels.items():
        if not _label(key, 1, 63) or unicodedata.category(key[0]) not in {"Ll", "Lo"}:
            raise invalid(f"Invalid label key [{key}].", "secret.labels")
        if not _label(value, 0, 63):
            raise invalid(f"Invalid label value [{value}].", "secret.labels")


def _label(text: str, shortest: int, longest: int) -> bool:
    return (
        shortest <= len(text) <= longest
        and len(text.encode()) <= 128
        and all(
            c in "_-" or unicodedata.category(c) in {"Ll", "Lo", "Nd", "Nl", "No"} for c in text
        )
    )


def check_annotations(annotations: Mapping[str, str]) -> None:
    for key in annotations:
        if ANNOTATION.fullmatch(key) is None:
            raise invalid(f"Invalid annotation key [{key}].", "secret.annotations")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size >= ANNOTATIONS_BYTES:
        raise invalid(
            f"The total size of annotations must be less than {ANNOTATIONS_BYTES} bytes.",
            "secret.annotations",
        )


def check_aliases(aliases: Mapping[str, int], versions: int) -> None:
    """``versions`` is how many there are: an alias is of one that exists."""
    if len(aliases) > ALIASES:
        raise invalid(
            f"No more than {ALIASES} aliases can be assigned.", "secret.version_aliases"
        )
    for alias, number in aliases.items():
        if ALIAS.fullmatch(alias) is None or alias in {"latest", "NEW"}:
            raise invalid(f"Invalid version alias [{alias}].", "secret.version_aliases")
        if not 1 <= number <= versions:
            raise invalid(
                f"Version [{number}] of alias [{alias}] does not exist.",
                "secret.version_aliases",
            )


def check_topics(topics: Any) -> None:
    if len(topics) > TOPICS:
        raise invalid(f"No more than {TOPICS} topics can be assigned.", "secret.topics")
    for topic in topics:
        if TOPIC.fullmatch(topic.name) is None:
            raise invalid(f"Invalid topic name [{topic.name}].", "secret.topics")


def check_rotation(secret: Any, now: float) -> None:
    """Topics must be set; the first time is 5 minutes to 100 years ahead, the period an hour
    to 100 years."""
    if not secret.HasField("rotation"):
        return
    rotation = secret.rotation
    if not secret.topics:
        raise invalid("Topics must be set to configure rotation.", "secret.rotation")
    if rotation.HasField("next_rotation_time"):
        ahead = rotation.next_rotation_time.seconds - now
        if not 300 <= ahead <= CENTURY:
            raise invalid("next_rotation_time is out of range.", "secret.rotation")
    if rotation.HasField("rotation_period"):
        if not rotation.HasField("next_rotation_time"):
            raise invalid("next_rotation_time must be set.", "secret.rotation")
        if not 3600 <= rotation.rotation_period.seconds <= CENTURY:
            raise invalid("rotation_period is out of range.", "secret.rotation")


def check_replication(secret: Any, name: Name) -> None:
    """Required of a global secret, and that of a regional one is its location alone.

    A key of automatic replication is in ``global``; one of a replica, in the replica's
    location; one of a regional secret, in the secret's
    (``CustomerManagedEncryption.kms_key_name``; the sentence: terraform-google-secret-manager,
    pull request 74).
    """
    kind = secret.replication.WhichOneof("replication")
    if name.location:
        if kind is not None:
            raise invalid("A regional secret has no replication.", "secret.replication")
        _check_key(secret, name.location, "secret.customer_managed_encryption")
        return
    if kind is None:
        raise invalid("Field [secret.replication] is required.", "secret.replication")
    if secret.HasField("customer_managed_encryption"):
        raise invalid(
            "The key of a global secret belongs to its replication.",
            "secret.customer_managed_encryption",
        )
    if kind == "automatic":
        _check_key(secret.replication.automatic, "global", "secret.replication.automatic")
        return
    field = "secret.replication.user_managed"
    replicas = secret.replication.user_managed.replicas
    places = [replica.location for replica in replicas]
    if not places or len(set(places)) != len(places):
        raise invalid("Replicas must be in at least one location, each once.", field)
    for replica in replicas:
        if LOCATION.fullmatch(replica.location) is None:
            raise invalid(f"Invalid location [{replica.location}].", field)
        _check_key(replica, replica.location, field)
    # "If CMEK is used, every replica has a key": cloud.google.com/secret-manager/docs/cmek
    if len({replica.HasField("customer_managed_encryption") for replica in replicas}) > 1:
        raise invalid("Either every replica has a key, or none.", field)


def _check_key(holder: Any, location: str, field: str) -> None:
    if not holder.HasField("customer_managed_encryption"):
        return
    key = holder.customer_managed_encryption.kms_key_name
    found = KEY.fullmatch(key)
    if found is None:
        raise invalid(f"Invalid Cloud KMS key name [{key}].", field)
    if found[1] != location:
        kind = "Automatic replication policy" if location == "global" else "Replica"
        raise invalid(
            f"{kind} can only be configured with Cloud KMS keys in location [{location}]. "
            f"Requested: [{key}]",
            field,
        )


def keys(secret: Any) -> dict[str, str]:
    """The names of its Cloud KMS keys by location, which is empty for automatic replication."""
    holders = {
        replica.location: replica for replica in secret.replication.user_managed.replicas
    }
    if secret.replication.WhichOneof("replication") == "automatic":
        holders[""] = secret.replication.automatic
    if secret.HasField("customer_managed_encryption"):
        holders[""] = secret
    return {
        place: holder.customer_managed_encryption.kms_key_name
        for place, holder in holders.items()
        if holder.HasField("customer_managed_encryption")
    }


def check_lifetime(secret: Any, now: float) -> None:
    """When it expires, and how long its versions stay after they were destroyed."""
    if secret.HasField("expire_time") and secret.expire_time.seconds <= now:
        raise invalid("expire_time must be in the future.", "secret.expire_time")
    if secret.HasField("ttl") and not 0 < secret.ttl.seconds <= CENTURY:
        raise invalid("ttl must be positive, and 100 years at most.", "secret.ttl")
    if secret.HasField("version_destroy_ttl") and (
        secret.version_destroy_ttl.seconds < DESTROY_TTL
    ):
        raise invalid(
            "version_destroy_ttl must be 24 hours at least.", "secret.version_destroy_ttl"
        )
