"""One behaviour each, the same for all capabilities and all clouds.

Read ``stack.py`` first: it holds their order and the reasons for it. Belongs here: what
sees a ``Call`` and nothing else. Does not: anything that knows a provider.
"""
