"""The command ``shield``: scan files and lines, list the scanners, measure them.

Belongs here: reading arguments, showing answers. Does not: what the answers are made of.
Importing this imports no scanner and no model; a command's work is imported when it runs.
"""

from llm_shield.cli.program import main

__all__ = ["main"]
