"""Known values found in bytes, and masked.

Belongs here: the matching, pure and fast, for streams, files and log lines. Does not: where
the values come from, and what is done with a match; that is the caller's.
"""

from skykeep.redaction.matcher import Match, Redactor

__all__ = ["Match", "Redactor"]
