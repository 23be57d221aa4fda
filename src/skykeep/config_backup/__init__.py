"""Copies of the configuration file in a store of objects, and the way back.

Belongs here: the configuration file, byte for byte as it is. Does not: the local vault, which
has backups of its own, and resolved values: no variable is read into a copy. It stands on the
front door.

``names.py`` what copies are called · ``masking.py`` what of a file may be shown ·
``placing.py`` a file replaced whole · ``backup.py`` ``ConfigBackup`` · ``blocking.py``
"""
