"""Two machines, their links and their faults, in virtual time and from one seed; and checkers apart from them.

Real are the role machine, the heartbeat's codec and the seal. Simulated are clocks (each node has its own zero
and drifts), links (they lose, delay, reorder, duplicate, and can be cut in either direction), the worker (it can
be stopped anywhere, also between a heartbeat and the lease's renewal), the guard (it tells of a death and starts
a new worker), the power and, if there is one, the witness (slow, without its quorum, cut off from a node).

A node *speaks* while its lease lasts. The checkers:
  - two nodes never speak at once, unless all links are, or just were, cut in both directions; with a witness never
  - each node's epochs only grow; and while no link was ever cut, whoever has heard of the other starts an epoch
    above all before (one that was down while the other served, and is alone now, cannot know); with a witness always
  - once all is well again, one node speaks, the other is passive and follows it

    python -m tests.protocol.simulation SEED [witness]     prints what happened

  world.py   virtual time, links, what happened
  node.py    a machine, its guard, and the worker that carries out what the role machine wants
  witness.py the record that a third party keeps (keeper.py)
  faults.py  what befalls them
  run.py     one run, and the checkers
"""
