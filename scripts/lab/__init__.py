"""The lab: two nodes between real ICCP peers, on one machine, in network namespaces of its own.

What it is made of, from the ground up:

  namespaces   run a command or a function inside a network namespace; end whatever runs in one
  topology     five namespaces, three networks, addresses; unplug a cable at the switch
  layout       where a lab keeps its files; the two nodes' YAML and the cluster key
  admin        a node's admin socket, over HTTP
  nodes        a node (guard and worker) and the pair
  programs     a child process that reports in JSON lines
  peers/       the ICCP peers: TASE.2 server and client on hat-drivers, a client on libiec61850
  association  the bytes that open an ISO association, for the traffic that is not a real stack
  stream       seeded, endless, valid MMS traffic
  load         many connections both ways at full speed, every byte checked at both ends
  pingpong     paced requests, and what TCP had to retransmit meanwhile
  voices       who spoke for a virtual address, by packet
  clocks       a wrong clock for one node's processes (wall.c); disks: one that can be filled
  etcd         the witness: an etcd cluster on a network of its own
  faults       the ways in which a node can fail
  schedule     several of them, from a seed, and what they may break; ordeal: one schedule on a running pair
  lab          all of it together, with a tear-down that always works
  evidence     what a takeover kept and what it lost, in numbers

  unit, confine, hosts, installed    the package on two hosts, each node confined as its systemd unit says

and what is run with it:

  demo         `scripts/demo`            the whole thing, shown; walk: step by step through FortiOS's document
  watching                               how the demo shows that time passes
  bench/       `scripts/bench`           how fast: the pair beside HAProxy, the inspector beside tshark
  soak         `scripts/soak-takeover`   hundreds of takeovers under load, with a verdict
  soak_faults  `scripts/soak-faults`     hundreds of random schedules of faults, with a verdict
  soaking                                what both have in common
  stopped_standby                        a passive node stopped for a minute under load
  fuzz/        `scripts/fuzz`            millions of inputs that the inspector must bear
"""
