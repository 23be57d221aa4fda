"""Ids of versions that say which write made them.

The client request token of a write becomes the version's id: 32 to 64 characters, unique in the
secret (API reference, PutSecretValue, ``ClientRequestToken``). Ours are ``skykeep-``, the 48
digits of the ``Stamp`` and 8 more, which keep two versions with one stamp apart: a copy of an
older value, or the same value encrypted anew. All other ids are of other writers, or of writes
without a stamp.
"""

from __future__ import annotations

import os
import re
from typing import Final

from skykeep.envelope.digests import sha256
from skykeep.interfaces.secret_driver import Stamp

MARK: Final = "skykeep-"
_APART = 4
_OURS = re.compile(rf"{MARK}([0-9a-f]{{48}})[0-9a-f]{{{2 * _APART}}}\Z")


def after(stamp: Stamp, seen: str | None) -> str:
    """The id of a write onto the version that was seen at its stage, or onto none: the same
    again for the same write, in every process. It says nothing of the value."""
    return f"{MARK}{stamp}{sha256((seen or '').encode())[:_APART].hex()}"


def anew(stamp: Stamp) -> str:
    """Another id each time."""
    return f"{MARK}{stamp}{os.urandom(_APART).hex()}"


def stamp_of(version: str | None) -> Stamp | None:
    """The stamp in an id; None if it is no id of ours, or there is none."""
    ours = _OURS.match(version or "")
    return None if ours is None else Stamp.parse(ours[1])
