"""One file per command, imported when it is called. Each has a ``command``."""
