"""What a configuration may say of environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name, is_native
from skykeep.settings.model import NonEmpty, TargetSettings


class EnvSettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Variables of the process, and files of them.

    Attributes:
        files: dotenv files that are read with every call, the first goes before the next and
            the process before all; one that is not there is passed over.
        variables: the name of a secret -> the variable that holds it, where the variable is
            not called as the name says; goes first.
    """

    files: tuple[NonEmpty, ...] = ()
    variables: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        for name, variable in self.variables.items():
            try:
                if is_native(check_name(name)):
                    raise ValueError(f"variables: {name} is a native name and needs no entry")
            except Invalid as error:
                raise ValueError(f"variables: {error.message}") from None
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
                raise ValueError(f"variables: '{variable}' cannot name a variable")
        if len(set(self.variables.values())) < len(self.variables):
            raise ValueError("variables: two names have the same variable")
