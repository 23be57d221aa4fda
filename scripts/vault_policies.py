"""Write the templates in ``deploy/iam/vault/`` from the driver's needs; a test compares.

.venv/bin/python scripts/vault_policies.py
"""

from __future__ import annotations

from pathlib import Path

from skykeep.providers.vault.policy import Scope, document

FOLDER = Path(__file__).parents[1] / "deploy" / "iam" / "vault"


def templates() -> dict[str, str]:
    """File name -> text."""
    return {
        f"kv{version}{suffix}.hcl": document(
            Scope("secret", "myapp/", version), read_only=read_only
        )
        for version in (1, 2)
        for read_only, suffix in ((True, "-read-only"), (False, ""))
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"deploy/iam/vault/{name}")


if __name__ == "__main__":
    main()
