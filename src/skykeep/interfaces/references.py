"""Credentials that a configuration names, by a file or by a variable, and never holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skykeep.errors import Denied, Unauthenticated


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a credential is; read anew each time, since it may have been replaced.

    Attributes:
        what: in words, ``the role id``.
        file: its file, or None.
        variable: the variable that holds it, if there is no file.
        environ: the variables.
        store: whose login it is for, ``Vault``.
    """

    what: str
    file: str | None
    variable: str
    environ: Mapping[str, str] = field(repr=False)
    store: str

    def read(self) -> str:
        """The credential, stripped. Raises ``Unauthenticated`` if there is none, ``Denied``."""
        if self.file is not None:
            found = read_credential(Path(self.file).expanduser())
        else:
            found = self.environ.get(self.variable, "").strip()
        if not found:
            raise Unauthenticated(
                f"there is no login to {self.store} without {self.what}: {self.place} has none",
                hint="see auth in the configuration",
            )
        return found

    @property
    def place(self) -> str:
        """Where it is looked for."""
        return self.file or f"the variable {self.variable}"


def read_credential(path: Path) -> str:
    """The text of a file that holds a credential, stripped; ``""`` if there is none.

    Raises ``Denied`` if it is there and cannot be read.
    """
    try:
        return path.read_text("utf-8", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        reason = error.strerror
    raise Denied(f"{path} cannot be read: {reason}", hint="it must belong to this user")
