"""What an environment of several targets stands on: their names, the journal, health,
conflicts.

The behaviour itself is in ``layers/failover.py``, ``layers/replicate.py`` and
``journal/replayer.py``; here it is put together from a configuration, and looked at.
"""
