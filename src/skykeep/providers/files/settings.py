"""What a configuration may say of a directory of secrets."""

from __future__ import annotations

from collections.abc import Mapping

from skykeep.errors import Invalid
from skykeep.interfaces.names import NATIVE, check_name, is_native
from skykeep.settings.model import NonEmpty, TargetSettings


class FilesSettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A directory with one file a secret.

    Attributes:
        path: the directory; ``~`` is the home directory.
        files: the name of a secret -> the file in the directory that holds it, where the file
            is not called as the name says; goes first.
    """

    path: NonEmpty = "/run/secrets"
    files: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if not self.path.isprintable():
            raise ValueError(f"path: {self.path!a} is no path of a directory")
        for name, file in self.files.items():
            try:
                if is_native(check_name(name)):
                    raise ValueError(f"files: {name} is a native name and needs no entry")
                check_name(f"{NATIVE}{file}")
            except Invalid as error:
                raise ValueError(f"files: {error.message}") from None
            if any(not part or part.startswith("..") for part in file.split("/")):
                raise ValueError(f"files: {file!a} is no path within the directory")
        if len(set(self.files.values())) < len(self.files):
            raise ValueError("files: two names have the same file")
