"""The documentation site: what it must hold, what is made from the code, what is checked.

``inventory`` says what there is, ``tables`` writes pages that are made from it, and the
Sphinx extensions ``gate``, ``references`` and ``links`` let no build pass that lacks an
entry or leads nowhere. ``docs/conf.py`` loads them.
"""
