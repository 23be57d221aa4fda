"""Patterns: rules as data, and the engine that finds them in linear time.

- ``rules``: what a rule is; gitleaks' rules and ours, read from ``secrets.json``.
- ``matching``: keywords first, then RE2 in a window around each.
- ``judging``: what matches and is no secret: low entropy, placeholders, what rules allow.
- ``users``: patterns of users, compiled by RE2 or refused with the reason.
- ``places``: texts as bytes for RE2, and byte offsets back to code points.
"""
