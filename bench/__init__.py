"""How fast it is, against what users would pick instead: ``make bench``."""
