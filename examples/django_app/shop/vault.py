"""The one cloud of this process: settings are read from it, and views read on.

It may be opened before a server forks its workers (``gunicorn --preload``): a child makes
connections and a thread of its own and does not unlock the vault again.
"""

from __future__ import annotations

import atexit

import skykeep

cloud = skykeep.open_blocking()
atexit.register(cloud.close)
