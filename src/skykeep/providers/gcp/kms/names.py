"""Portable names as ids of crypto keys, injectively.

An id has letters, digits, ``-`` and ``_``, 1 to 63 of them, upper and lower case apart
(``CreateCryptoKeyRequest.crypto_key_id``). What it lacks, ``/`` and ``.``, is written with
underscores (``skykeep.interfaces.name_code``). A native name is an id, or a whole resource name
of any project.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.name_code import decode, encode
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

LONGEST: Final = 63

_ID = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")
_WHOLE = re.compile(
    r"projects/(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*/locations/[a-z0-9-]+"
    r"/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}\Z"
)


class KeyNames:
    """Names of one target: the prefix before them, then the code of both."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def stored(self, name: str) -> str:
        """The id, or the whole resource name of a native one. Raises ``Invalid``."""
        if is_native(name):
            stored = name[len(NATIVE) :]
            if not _ID.match(stored) and not _WHOLE.match(stored):
                raise Invalid(
                    f"{shown(name)} is no key of Cloud KMS",
                    hint="give its id, or projects/P/locations/L/keyRings/R/cryptoKeys/ID",
                )
            return stored
        stored = encode(self._prefix + name)
        if len(stored) > LONGEST:
            raise Invalid(
                f"{shown(name)} has {len(stored)} characters as a key's id; Cloud KMS keeps at "
                f"most {LONGEST}",
                hint="'/' takes two characters, '.' three, several of them in a row more",
            )
        return stored

    def portable(self, stored: str) -> str | None:
        """The name that the application knows; None for a key that has none."""
        text = decode(stored)
        if text is None or not text.startswith(self._prefix):
            return None
        try:
            name = check_name(text[len(self._prefix) :])
        except Invalid:
            return None
        return None if is_native(name) else name
