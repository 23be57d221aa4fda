"""One validated model of the configuration, and the files that may feed it."""
