"""The parts of the judge."""
