"""The cache of models on this host's disk, shared by all processes of a user.

::

    DIRECTORY/key                     32 random bytes: under it records are authenticated
    DIRECTORY/blobs/SHA256            a file's content, under its digest
    DIRECTORY/parts/NAME              a download under way; it is locked by who does it
    DIRECTORY/parts/NAME.etag         of which object it is
    DIRECTORY/trees/DIGEST/files/…    a version as it is handed out: hard links to blobs
    DIRECTORY/trees/DIGEST/manifest   its manifest, whose SHA-256 is DIGEST
    DIRECTORY/trees/DIGEST/record     what the files looked like when they were verified
    DIRECTORY/drafts/DIGEST/          a tree that is being made, under its lock
    DIRECTORY/names/HASH              which manifest a version of a store has
    DIRECTORY/building/DIGEST         locked by who makes or mends a tree
    DIRECTORY/using/DIGEST            locked, shared, by who uses it; its time is the last use
    DIRECTORY/tmp/                    records that are not in their place yet
    DIRECTORY/trash/                  what is being removed

Locks are ``flock``: the system lets go of them when their holder dies.

``directory.py`` · ``locks.py`` · ``records.py`` · ``blobs.py`` · ``trees.py`` · ``names.py`` ·
``room.py`` what goes when there is too much · ``errors.py`` ·
``threads.py`` work that a cancelled caller waits for
"""
