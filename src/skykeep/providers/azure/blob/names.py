"""Names in Blob Storage that are not keys: of metadata, and of what we keep for ourselves.

Metadata has identifiers of C# only.

"Naming and referencing containers, blobs, and metadata": a letter or ``_``, then letters,
digits and ``_``; case is kept and does not count. A portable name has small letters, digits,
``-`` and ``_``. It stays as it is, but for

========================================= =====
``-``                                     ``__d``
``_`` before ``-`` or another ``_``       ``__u``
a digit at the beginning                  ``__n`` and the digit
========================================= =====

So two low lines in a row begin an escape, and no name of ours has two otherwise. What no name
of ours is written like is a foreign one, and shown as it is.
"""

from __future__ import annotations

import re
from typing import Final

RECORDS: Final = " skykeep-uploads/"
"""What the names of records of uploads begin with, behind ``objects_prefix``. No portable key
begins with a space."""

_ESCAPE: Final = re.compile(r"__([dun])")
_PLAIN: Final = {"d": "-", "u": "_", "n": ""}


def stored(name: str) -> str:
    """As Blob Storage keeps it; another one for every portable name."""
    if name.isidentifier() and "__" not in name:
        return name
    told = ["__n"] if name[:1].isdigit() else []
    for mark, following in zip(name, f"{name[1:]} ", strict=False):
        if mark == "-":
            told.append("__d")
        elif mark == "_" and following in {"-", "_"}:
            told.append("__u")
        else:
            told.append(mark)
    return "".join(told)


def portable(name: str) -> str:
    """The portable name that Blob Storage keeps so; a foreign name in small letters."""
    name = name.lower()
    if "__" not in name:
        return name
    found = _ESCAPE.sub(lambda escape: _PLAIN[escape[1]], name)
    return found if stored(found) == name else name
