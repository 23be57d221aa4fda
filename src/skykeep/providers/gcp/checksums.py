"""CRC-32C, with which the service and we show each other that a value came whole.

google-crc32c has it in C and, where that part was not built, in Python: slower, the same sum.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from skykeep.errors import MissingExtra

Checksum = Callable[[bytes], int]


def checksum() -> Checksum:
    """The function; loaded before a value is revealed, for this may raise ``MissingExtra``."""
    try:
        with warnings.catch_warnings():
            # That it is slower without its part in C: some milliseconds for the largest value.
            warnings.simplefilter("ignore", RuntimeWarning)
            from google_crc32c import value
    except ModuleNotFoundError:
        pass
    else:
        made: Checksum = value
        return made
    raise MissingExtra(
        "google-crc32c, which checks values, is not installed",
        hint="install it: pip install --upgrade 'skykeep[gcp]'",
    )
