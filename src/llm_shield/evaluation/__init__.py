"""How good the scanners are: corpora with known answers, and the figures made of them.

``corpora/`` has one module a named corpus; what is only used to train is no business of it.
"""
