"""Marks: stand-ins for values that tell equal from different and nothing else."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives import hashes, hmac

_KEY = os.urandom(32)


def mark(value: bytes) -> str:
    """32 hexadecimal digits: equal for equal values in this process and its forks, else
    unguessable. A plain digest would let who sees it try out short values."""
    mac = hmac.HMAC(_KEY, hashes.SHA256())
    mac.update(value)
    return mac.finalize()[:16].hex()
