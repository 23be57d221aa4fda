"""Files of this host that survive: made whole or not at all, never lost to a fork.

Belongs here: what everything needs that keeps something in a SQLite file. Does not: what is in
the file, and where it lies.

    link.py      a SQLite connection that does not cross a fork
    worker.py    a thread and its queue of jobs
    database.py  how a SQLite file of ours is opened and looked over
    files.py     new files, whole or not there; who may touch them
    key_file.py  files with the 32 bytes that unlock another one
    errors.py    SQLite's errors and the system's -> ours
"""
