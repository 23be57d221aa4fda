"""Marks: stand-ins for values that tell equal from different and nothing else."""

from __future__ import annotations

import os

from skykeep.envelope.digests import hmac_sha256

_KEY = os.urandom(32)


def mark(value: bytes) -> str:
    """32 hexadecimal digits: equal for equal values in this process and its forks, else
    unguessable. A plain digest would let who sees it try out short values."""
    try:
        return hmac_sha256(_KEY, value)[:16].hex()
    finally:
        del value  # reports of errors may show the variables of a frame
