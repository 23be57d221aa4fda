"""The suite against a real account, when somebody asks for it: ``make test-live``.

``suite.py`` is not found by a plain run of the tests; ``test_live.py`` runs it against servers
of our own to show that it works and leaves nothing behind.
"""
