"""One validated model of the configuration, and the files that may feed it.

``model`` is what comes out; ``load`` is the way in. In between: ``files`` finds the text,
``parse`` and ``substitute`` make ``nodes`` of it that know their place, ``shapes`` knows the
two file shapes (``cloud_tree`` the second one), ``targets`` and ``diagnose`` hold nodes
against types, ``overrides`` are flags and variables, ``resolve`` merges all of it into one
environment. ``report`` (with ``masks``) and ``schema`` are for people and editors; ``places``
knows the directories. Which providers there are is not known here: callers say it.
"""
