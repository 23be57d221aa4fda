"""Loading a secret from the first of several places that has it.

What belongs here: the order in which sources are asked, the reasons of those that had no
answer, and what is loaded that way. What does not: failover between copies of one store,
which is the router's (``layers/``). It stands on the front doors; integrations and apps may
stand on it.
"""
