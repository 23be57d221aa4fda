"""Write the templates in ``deploy/iam/azure/`` from the driver's needs; a test compares.

.venv/bin/python scripts/azure_roles.py
"""

from __future__ import annotations

from pathlib import Path

from skykeep.providers.azure.policy import Scope, access_policy, condition, role

FOLDER = Path(__file__).parents[1] / "deploy" / "iam" / "azure"


def templates() -> dict[str, str]:
    """File name -> text."""
    made = {}
    for read_only, suffix in ((True, "-read-only"), (False, "")):
        scope = Scope("VAULT", prefix="myapp/")
        made[f"role{suffix}.json"] = role(scope, read_only=read_only)
        made[f"condition{suffix}.txt"] = condition(scope, read_only=read_only) + "\n"
        made[f"access-policy{suffix}.json"] = access_policy(read_only=read_only)
    return made


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"deploy/iam/azure/{name}")


if __name__ == "__main__":
    main()
