"""What a configuration may say of a directory of secrets."""

from __future__ import annotations

from collections.abc import Mapping

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
