"""Write the templates in ``deploy/iam/aws/`` from what the driver needs; a test compares them.

.venv/bin/python scripts/aws_policies.py
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from skykeep.providers.aws.policy import Scope, document
from skykeep.providers.aws.settings import AwsSettings

FOLDER = Path(__file__).parents[1] / "deploy" / "iam" / "aws"
ACCOUNT = "123456789012"  # what AWS's own documentation uses
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def templates() -> dict[str, str]:
    """File name -> text."""
    made: dict[str, str] = {}
    for service in ("secretsmanager", "ssm"):
        for key, with_key in ((None, ""), (KEY, "-own-key")):
            given = {
                "backend": "aws",
                "service": service,
                "region": "us-east-1",
                "account": ACCOUNT,
                "secret_prefix": "myapp/",  # pragma: allowlist secret (a prefix of names)
                "kms_key": key,
            }
            scope = Scope(msgspec.convert(given, AwsSettings), "us-east-1", ACCOUNT)
            for read_only, suffix in ((True, "-read-only"), (False, "")):
                name = f"{service}{with_key}{suffix}.json"
                made[name] = document(scope, read_only=read_only)
    return made


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"deploy/iam/aws/{name}")


if __name__ == "__main__":
    main()
