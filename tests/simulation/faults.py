"""Defects to plant in the shipping layers, each a small change of what they do.

Each has to be caught: a judge that finds nothing in a broken house says nothing about a whole
one.
"""

from tests.simulation.planted import journal, outages, reads, writes
from tests.simulation.planted.registry import FAULTS, Fault, planted

__all__ = ["FAULTS", "Fault", "journal", "outages", "planted", "reads", "writes"]
