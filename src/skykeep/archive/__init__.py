"""Results that are kept for long: one id each, found again by one call.

Belongs here: ids that carry their date, batches, compression, retention. Does not: how a
store ages objects, which is its lifecycle rules' (``LifecycleRule``), and what a result is:
it is whatever JSON can say. It stands on the front door.

``ids.py`` an id and where it is kept · ``records.py`` bytes of objects and lines of batches ·
``zstd.py`` · ``batches.py`` what is not written yet · ``days.py`` the days that there are ·
``store.py`` the objects · ``entries.py`` what is told of results ·
``archive.py`` ``Archive`` · ``blocking.py``
"""
