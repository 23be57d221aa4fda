"""JSON shapes that several commands share."""

from __future__ import annotations

from typing import Any

from skykeep.apps.cli.console import moment
from skykeep.interfaces.secret_driver import SecretInfo


def info_document(info: SecretInfo) -> dict[str, Any]:
    """What is known of a secret without its value."""
    return {
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
