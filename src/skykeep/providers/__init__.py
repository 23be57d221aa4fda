"""One folder a vendor; the same file names in each. Providers never import each other.

Belongs here: what speaks to one store. Does not: retries, caches, logs (``layers/``).
"""
