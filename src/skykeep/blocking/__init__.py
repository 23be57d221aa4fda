"""The same door for callers without an event loop: scripts, Django, notebooks.

One background thread runs one event loop; each method hands its coroutine over and
waits. Exact types come from the async methods: nothing is written twice.
"""

from skykeep.blocking.cloud import BlockingCloud, open_blocking
from skykeep.blocking.following import BlockingHeldSecret, BlockingWatch, BlockingWatching
from skykeep.blocking.secrets import BlockingIdentity, BlockingListing, BlockingSecrets
from skykeep.blocking.waiting import LoopThread, Waiting, blocking

__all__ = [
    "BlockingCloud",
    "BlockingHeldSecret",
    "BlockingIdentity",
    "BlockingListing",
    "BlockingSecrets",
    "BlockingWatch",
    "BlockingWatching",
    "LoopThread",
    "Waiting",
    "blocking",
    "open_blocking",
]
