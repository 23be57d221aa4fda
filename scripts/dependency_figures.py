"""Print what docs/dependencies.md says in figures, measured from what is installed here.

    dependency_figures.py        name, version, licence, size of every run dependency

The size is that of the installed files, compiled caches left out.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    for name in installed(("run.txt",)):
        found = distribution(name)
        print(f"{name:22} {found.version:12} {licence(found):34} {size(found) / 1e6:6.2f} MB")
    return 0


def installed(files: tuple[str, ...]) -> list[str]:
    """The packages that the files lock for this Python and this system."""
    names = []
    for file in files:
        for line in (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith((" ", "#")):
                wanted = Requirement(line.rstrip("\\ "))
                if wanted.marker is None or wanted.marker.evaluate():
                    names.append(wanted.name)
    return names


def licence(found: Distribution) -> str:
    if "License-Expression" in found.metadata:
        return found.metadata["License-Expression"]
    classifiers = found.metadata.get_all("Classifier") or []
    named = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    return ", ".join(named) or "not said"


def size(found: Distribution) -> int:
    """Bytes of the installed files."""
    files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return sum(
        file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc"
    )


if __name__ == "__main__":
    sys.exit(main())
