"""skykeep inside other people's frameworks: one file each.

An integration stands on the front doors (``cloud``, ``blocking``) and nothing stands on it.
Its framework is imported by its own file only; where it is not installed, that import
raises ``MissingExtra`` with the pip command.
"""
