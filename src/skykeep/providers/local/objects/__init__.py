"""Objects in a directory: plain files under their keys, with what is kept beside them.

Belongs here: everything about the directory. Does not: the vault, of which nothing here knows.

``driver.py`` the driver; its work is done in threads · ``layout.py`` where things are, reached
without following a link · ``about.py`` what is kept beside a body · ``drafts.py`` bodies under
way · ``placing.py`` a body put into its place · ``locks.py`` who may ·
``reading.py`` · ``listing.py`` · ``uploads.py`` parts · ``digests.py`` checksums ·
``errors.py`` the system's errors -> ours
"""
