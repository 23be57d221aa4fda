"""What every driver is held to, shipped so that other packages hold theirs to it too.

Belongs here: one suite per capability, the harness that a driver's author writes, the
differential runner and the pytest plugin with its fixtures. Does not: tests of one
provider. Needs ``pip install 'skykeep[testing]'``; the plugin alone needs only pytest.
"""
