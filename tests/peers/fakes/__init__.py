"""Servers of ours, for what nobody offers as one.

Each checks what the real service checks, and says in its docstring where that is written. They
are plain HTTP on 127.0.0.1, a thread for each connection; `tests.peers.faults` goes before
them when something is to fail on the way. Those that drivers are measured against run in a
process of their own, and have a fixture: `key_vault`.
"""
