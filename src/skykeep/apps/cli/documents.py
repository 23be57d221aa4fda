"""JSON shapes that several commands share."""

from __future__ import annotations

from typing import Any

from skykeep.apps.cli.console import moment
from skykeep.interfaces.secret_driver import Provenance, SecretInfo


def info_document(info: SecretInfo) -> dict[str, Any]:
    """What is known of a secret without its value. ``provenance`` is there where it is told."""
    found = {
        "name": info.name,
        "version": info.version,
        "created_at": moment(info.created_at),
        "updated_at": moment(info.updated_at),
        "expires_at": moment(info.expires_at),
        "expired": info.expired,
        "deleted_at": moment(info.deleted_at),
        "metadata": dict(info.metadata),
        "tags": dict(info.tags),
    }
    if info.provenance is not None:
        found["provenance"] = provenance_document(info.provenance)
    return found


def provenance_document(where: Provenance) -> dict[str, Any]:
    """Where an answer came from; ``age`` is in seconds."""
    return {
        "source": where.source,
        "revision": where.revision,
        "age": round(where.age, 3),
        "stale": where.stale,
        "degraded": where.degraded,
        "cached": where.cached,
    }
