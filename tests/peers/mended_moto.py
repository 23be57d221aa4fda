"""moto's server with its departures from AWS mended that the conformance suite runs into.

    python mended_moto.py -H 127.0.0.1 -p PORT      (the Python of the peers' environment)

Each mend names what AWS does and where that is written. Whatever moto does right by itself is
judged against moto as it is (``tests/providers/aws``).
"""

from __future__ import annotations

import builtins
import json
import sys
import threading
from typing import Any

# Beside this script, which is run by its path.
import mended_kms  # type: ignore[import-not-found]  # see above

# mypy runs where the peers are not: what they are made of is in an environment of its own.
from moto import server  # type: ignore[import-not-found]
from moto.moto_server import werkzeug_app  # type: ignore[import-not-found]
from moto.secretsmanager import models  # type: ignore[import-not-found]


def fractions_of_seconds(value: Any = 0) -> Any:
    """Times in Secrets Manager have fractions (``CreatedDate`` 1523477145.713 in the API
    reference); moto rounds them by ``int(time.time())`` in this module."""
    return value if isinstance(value, float) else builtins.int(value)


def labels_move(self: Any, secret_version: dict[str, Any], version_id: str) -> None:
    """A put moves AWSCURRENT from whichever version has it, and AWSPREVIOUS to that one; no
    other label is touched (User Guide, "Secret versions"). moto goes by the version that was
    put last and takes all labels off it."""
    for stage in ("AWSPREVIOUS", "AWSCURRENT"):
        for version in self.versions.values():
            if stage in version["version_stages"]:
                version["version_stages"].remove(stage)
                if stage == "AWSCURRENT":
                    version["version_stages"].append("AWSPREVIOUS")
    self.versions[version_id] = secret_version
    self.default_version_id = version_id


def version_dates(self: Any, secret_id: str) -> str:
    """``CreatedDate`` is that of the version (API reference, SecretVersionsListEntry); moto
    says now."""
    if secret_id not in self.secrets:
        raise models.SecretNotFoundException
    secret = self.secrets[secret_id]
    versions = [
        {
            "CreatedDate": version["createdate"],
            "VersionId": version_id,
            "VersionStages": version["version_stages"],
        }
        for version_id, version in secret.versions.items()
    ]
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})


def listing(
    self: Any,
    filters: list[dict[str, Any]],
    max_results: int = 100,
    next_token: str | None = None,
    include_planned_deletion: bool = False,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page begins behind the end of the last one, as every client relies on; moto counts, so
    that a deletion in between makes it leave one out."""
    found = [
        secret.to_dict()
        for secret in sorted(self.secrets.values(), key=lambda secret: secret.name)
        if (next_token is None or secret.name > next_token)
        and (include_planned_deletion or not getattr(secret, "deleted_date", None))
        and models._matches(secret, filters)
    ]
    page = found[: int(max_results or 100)]
    return page, page[-1]["Name"] if len(found) > len(page) else None


class OneAtATime:
    """Each call is a transaction in AWS; moto's threads see each other's halves."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with self._lock:
            return self._application(environ, start_response)


def mend() -> None:
    models.int = fractions_of_seconds  # shadows the built-in there
    models.FakeSecret.reset_default_version = labels_move
    models.SecretsManagerBackend.list_secret_version_ids = version_dates
    models.SecretsManagerBackend.list_secrets = listing
    mended_kms.mend()
    made = werkzeug_app.DomainDispatcherApplication
    server.DomainDispatcherApplication = lambda *args, **more: OneAtATime(made(*args, **more))


if __name__ == "__main__":
    mend()
    server.main(sys.argv[1:])
