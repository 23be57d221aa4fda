"""What a configuration may say, and where that leads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from skykeep.providers.gcp.session import ENDPOINT, address
from skykeep.providers.gcp.settings import GcpSettings
from tests.providers.gcp.opening import settings

KEY = "projects/p/locations/{}/keyRings/r/cryptoKeys/k"

GOOD: dict[str, dict[str, Any]] = {
    "nothing": {"project_id": None},
    "number": {"project_id": "123456789012"},
    "domain": {"project_id": "example.com:old-project"},
    "location": {"location": "europe-west3"},
    "region": {"region": "us-central1"},
    "global": {"region": "us-central1", "location": "global"},
    "multi-region": {"location": "eu"},
    "replicas": {"replica_locations": ["us-east1", "us-west1"]},
    "key": {"kms_key": KEY.format("global")},
    "regional-key": {"location": "us-east1", "kms_key": KEY.format("us-east1")},
    "keys": {
        "replica_locations": ["us-east1"],
        "kms_keys": {"us-east1": KEY.format("us-east1")},
    },
    "prefix": {"secret_prefix": "team/app_1.x-"},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "project-upper": ({"project_id": "Prod"}, "id or number"),
    "project-path": ({"project_id": "a/../b1234"}, "id or number"),
    "project-account": ({"project_id": None, "account": "x y"}, "id or number"),
    "location-host": ({"location": "evil.example"}, "location"),
    "location-slash": ({"location": "us-east1/x"}, "location"),
    "region": ({"region": "US"}, "location"),
    "replica": ({"replica_locations": ["nowhere!"]}, "location"),
    "replica-global": ({"replica_locations": ["global"]}, "regions"),
    "replicas-of-regional": (
        {"location": "us-east1", "replica_locations": ["us-west1"]},
        "leave location out",
    ),
    "one-key-for-replicas": (
        {"replica_locations": ["us-east1"], "kms_key": KEY.format("us-east1")},
        "kms_keys",
    ),
    "keys-without-replicas": ({"kms_keys": {"us-east1": KEY.format("us-east1")}}, "each"),
    "key-elsewhere": ({"kms_key": KEY.format("us-east1")}, "must lie there"),
    "keys-elsewhere": (
        {"replica_locations": ["us-east1"], "kms_keys": {"us-east1": KEY.format("us-west1")}},
        "must lie there",
    ),
    "key-version": ({"kms_key": KEY.format("global") + "/cryptoKeyVersions/1"}, "not a key"),
    "key-name": ({"kms_key": "k"}, "not a key"),
    "prefix": ({"secret_prefix": "a b"}, "secret_prefix"),
    "misspelt": ({"project": "p"}, "project"),
}


@pytest.mark.parametrize("keys", GOOD.values(), ids=GOOD.keys())
def test_what_is_accepted(keys: dict[str, Any]) -> None:
    assert isinstance(settings(**keys), GcpSettings)


@pytest.mark.parametrize(("keys", "word"), BAD.values(), ids=BAD.keys())
def test_what_is_refused(keys: dict[str, Any], word: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=word):
        settings(**keys)


def test_the_portable_keys_are_understood() -> None:
    assert settings(project_id=None, account="my-project").project == "my-project"
    assert settings(project_id="named-1", account="other-1").project == "named-1"
    assert settings(project_id=None).project is None
    assert settings(region="us-east1").place == "us-east1"
    assert settings(region="us-east1", location="global").place == "global"
    assert settings().place == "global"


@pytest.mark.parametrize(
    ("keys", "environ", "expected"),
    [
        ({}, {}, "https://secretmanager.googleapis.com"),
        (
            {"location": "europe-west3"},
            {},
            "https://secretmanager.europe-west3.rep.googleapis.com",
        ),
        ({}, {ENDPOINT: "https://private.example/"}, "https://private.example"),
        (
            {"endpoint": "https://mine.example"},
            {ENDPOINT: "https://private.example/"},
            "https://mine.example",
        ),
    ],
)
def test_where_the_service_is(
    keys: dict[str, Any], environ: dict[str, str], expected: str
) -> None:
    assert address(settings(**keys), environ) == expected
