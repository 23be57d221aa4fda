"""What every test may ask for: the servers of `tests.peers`."""

pytest_plugins = ["tests.peers.plugin"]
