"""Values and bodies are sealed here before they leave, and opened when they come back.

Belongs here: which key seals what, secrets and objects on both ways, moving what is sealed
under a newer key. Does not: the formats (``envelope/``), the order in which it happens
(``layers/stack.py``).
"""
