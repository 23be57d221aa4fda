"""What ``import skykeep`` offers, and what it costs."""

from __future__ import annotations

import skykeep
from tests.repo.tree import python

PUBLIC = {
    "Archive",
    "BlockingArchive",
    "BlockingCloud",
    "BlockingConfigBackup",
    "BlockingModelStore",
    "BlockingSecretLoader",
    "Change",
    "Cloud",
    "ConfigBackup",
    "ConfigError",
    "Conflict",
    "Corrupt",
    "DataKey",
    "Denied",
    "HeldSecret",
    "Invalid",
    "KEEP",
    "KeyFailure",
    "KeyInfo",
    "Keys",
    "MissingExtra",
    "ModelStore",
    "MultiCloudSecretsManager",
    "NotFound",
    "PendingDelete",
    "Problem",
    "Provenance",
    "Quota",
    "Secret",
    "SecretInfo",
    "SecretLoader",
    "SecretValue",
    "Secrets",
    "Signature",
    "SkykeepError",
    "Throttled",
    "Unauthenticated",
    "Unavailable",
    "Unsupported",
    "Version",
    "VersionUnavailable",
    "Written",
    "__version__",
    "open",
    "open_blocking",
    "principal",
    "unlocked",
}

SDKS = {
    "aiohttp",
    "azure",
    "boto3",
    "botocore",
    "google",
    "httpx",
    "hvac",
    "kubernetes",
    "numpy",
    "pydantic",
    "requests",
    "urllib3",
}


def loaded_by(statement: str) -> set[str]:
    """The top names of the modules that a fresh interpreter has after the statement."""
    done = python("-c", f"import sys; {statement}; print('loaded:', *sys.modules)")
    assert done.returncode == 0, done.stdout
    return {name.partition(".")[0] for name in done.stdout.partition("loaded:")[2].split()}


def test_the_public_names_are_these() -> None:
    """A change here is a change of what users rely on: it belongs in the changelog."""
    assert set(skykeep.__all__) == PUBLIC
    assert len(skykeep.__all__) == len(PUBLIC)


def test_every_public_name_is_there() -> None:
    for name in skykeep.__all__:
        assert getattr(skykeep, name) is not None, name


def test_importing_skykeep_loads_no_sdk_no_http_client_and_no_event_loop() -> None:
    loaded = loaded_by("import skykeep")
    assert loaded & (SDKS | {"asyncio", "click", "cryptography", "msgspec", "sqlite3"}) == set()


def test_the_front_doors_load_no_sdk() -> None:
    loaded = loaded_by("from skykeep import open, open_blocking")
    assert loaded & SDKS == set()
    assert "pytest" not in loaded
