"""Models: versions that never change in an object store, and a cache of them on this host.

Belongs here: how models are laid out in a store, what is believed of it, and the files of the
cache. Does not: reading and writing objects, which is ``interfaces/objects.py``. It stands on
the front doors; integrations and apps may stand on it.

``store.py`` ``ModelStore`` · ``layout.py`` names and keys · ``manifest.py`` what a version is ·
``pointer.py`` which version is the latest · ``reading.py`` what the store has · ``pushing.py``
``removing.py`` ``checking.py`` · ``pulling.py`` what is here, else what the store has ·
``making.py`` a version on its way to the disk · ``bare.py`` objects without a manifest ·
``blocking.py`` the same without an event loop · ``cache/``
"""
