"""The whole cluster in virtual time and from one seed; and checkers apart from it, one for each of the rules I1 to I6.

Real is all of the product's worker: role machine, lease, links, heartbeats and their seal, channel, handshake, frames,
replicator, standby, cache, takeover, catch-up, proxy, relay, inspector, and the node's side of the gate. Simulated is
what lies below: an event loop in virtual time, the kernel's sockets and addresses, the gate's programs over maps of
the same layout, disks, clocks, cables, the guard; and ICCP peers that stream both ways and check every byte.

    python -m tests.simulation SEED       prints what happened
    python -m tests.simulation FILE       the same of a scenario (tests/scenarios/)
    scripts/simulate                      many seeds on all cores; shrinks what fails

The world
  world.py      virtual time, steps, the story        process.py  a process: stopped or killed anywhere in its code
  loop.py       its event loop                        machine.py  clocks, disk, guard
  kernel.py     sockets and addresses of a node       tcp.py, segment.py  one end of a TCP connection
  gate.py       the gate's programs                   network.py, streams.py  cables, ARP, replication streams
  witness.py    the record in a third place
  peers.py      clients, server, their talks          surroundings.py  what is put in whose place

A run
  plan.py       seed, settings and faults             faults.py   what befalls the pair
  run.py        one run                               checks.py   the checkers
  runner.py     many                                  shrink.py   from a run that fails to its smallest schedule
  transcript.py a run as a story                      planted.py  bugs that the checkers must catch

Two voices are forgiven where roles.py says that two nodes alone cannot know, and no witness is there: all links cut, or
cut in one direction while a node is stopped, slow or new. Such runs promise no connection to survive. Otherwise one
must survive every takeover by a node that was in sync, once a byte of it has been acknowledged.
"""
