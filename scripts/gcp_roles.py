"""Write the templates in ``deploy/iam/gcp/`` from what the driver needs; a test compares them.

.venv/bin/python scripts/gcp_roles.py
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from skykeep.providers.gcp.policy import Scope, document
from skykeep.providers.gcp.settings import GcpSettings

FOLDER = Path(__file__).parents[1] / "deploy" / "iam" / "gcp"
PROJECT = "my-project"
KEY = f"projects/{PROJECT}/locations/europe-west3/keyRings/skykeep/cryptoKeys/secrets"
TARGETS = {
    "secretmanager": {},
    "secretmanager-regional": {"location": "europe-west3"},
    "secretmanager-own-key": {"location": "europe-west3", "kms_key": KEY},
}


def templates() -> dict[str, str]:
    """File name -> text."""
    made: dict[str, str] = {}
    for name, more in TARGETS.items():
        given = {
            "backend": "gcp",
            "project_id": PROJECT,
            "secret_prefix": "myapp/",  # pragma: allowlist secret (a prefix of names)
            **more,
        }
        scope = Scope(msgspec.convert(given, GcpSettings), None)
        made[f"{name}.sh"] = document(scope, read_only=False)
        if "kms_key" not in more:  # who reads needs nothing on the key
            made[f"{name}-read-only.sh"] = document(scope, read_only=True)
    return made


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"deploy/iam/gcp/{name}")


if __name__ == "__main__":
    main()
