"""The sealed format: docs/spec/envelope.md, in code.

The only room where cryptography happens, and only with ``cryptography`` and
``argon2-cffi``. Belongs here: keys, sealing, the header of a vault, keyed name hashes.
Does not: files, databases, providers.
"""
