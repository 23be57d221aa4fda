"""Write the templates in ``deploy/iam/kubernetes/`` from the driver's needs; a test compares.

.venv/bin/python scripts/kubernetes_roles.py
"""

from __future__ import annotations

from pathlib import Path

from skykeep.providers.kubernetes.policy import Subject, document

FOLDER = Path(__file__).parents[1] / "deploy" / "iam" / "kubernetes"


def templates() -> dict[str, str]:
    """File name -> text."""
    subject = Subject("myapp", "myapp")
    return {
        f"role{suffix}.yaml": document("myapp", subject, read_only=read_only)
        for read_only, suffix in ((True, "-read-only"), (False, ""))
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"deploy/iam/kubernetes/{name}")


if __name__ == "__main__":
    main()
