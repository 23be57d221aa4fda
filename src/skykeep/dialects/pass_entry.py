"""An entry of pass, the standard Unix password manager, after it was decrypted.

pass(1): a file ``NAME.gpg`` below the store; the password is the first line, and what people
like to add is on the lines below it, in no fixed form.
"""

from __future__ import annotations

from skykeep.dialects.model import Item
from skykeep.interfaces.secret_value import SecretValue


def item(path: tuple[str, ...], data: bytes) -> Item:
    """The password as the entry itself, and what is below it as its ``notes``."""
    password, _, notes = data.partition(b"\n")
    fields = [("", SecretValue(password))]
    if notes.strip():
        fields.append(("notes", SecretValue(notes)))
    return Item(path, fields)
