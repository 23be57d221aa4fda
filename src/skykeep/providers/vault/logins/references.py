"""Credentials that a configuration names: by a file or by a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skykeep.errors import Unauthenticated
from skykeep.providers.vault.tokens import read_credential


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a credential is; read anew each time, since it may have been replaced.

    Attributes:
        what: in words, ``the role id``.
        file: its file, or None.
        variable: the variable that holds it, if there is no file.
    """

    what: str
    file: str | None
    variable: str
    environ: Mapping[str, str] = field(repr=False)

    def read(self) -> str:
        """The credential, stripped. Raises ``Unauthenticated`` if there is none, ``Denied``."""
        if self.file is not None:
            found = read_credential(Path(self.file).expanduser())
        else:
            found = self.environ.get(self.variable, "").strip()
        if not found:
            raise Unauthenticated(
                f"there is no login to Vault without {self.what}: {self.place} has none",
                hint="see auth in the configuration",
            )
        return found

    @property
    def place(self) -> str:
        """Where it is looked for."""
        return self.file or f"the variable {self.variable}"
