"""Writes that are still owed, sealed on this host's disk, for all of its processes.

Belongs here: what keeps records durably and lends the locks of names. Does not: what is in a
record, who is asked for it, settings, providers.

    store.py       the store: one SQLite file, sealed, for all processes
    file.py        how that file is made, checked and unlocked
    committing.py  what the thread does that writes it
    bounds.py      how much may be kept, and what is said when that is used up
    locks.py       the locks of names; lock_errors.py says that one cannot be had
    memory.py      the same promises without a disk: for tests and the simulator
"""
