"""Prints what happened in the run of one seed."""

import sys

from tests.protocol.simulation.run import complaints, simulate

world = simulate(int(sys.argv[1]), witness="witness" in sys.argv[2:])
print("\n".join(world.trace))
print("\n".join(complaints(world)) or "no complaints")
