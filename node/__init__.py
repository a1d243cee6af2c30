"""A node: everything that touches the world. The pure packages `inspector` and `protocol` know nothing of it.

Before it runs
  config/       the YAML file, checked        keys.py     the cluster's key file
  documents/    YAML files that people write, every mistake at its place
  signatures/   what is looked for            policy/     what is allowed
  doctor.py     what this host lacks          cli/        the command line

Two processes
  guard.py      the small one that owns the gate's fence, starts the worker and outlives it
  child.py, tether.py, notices.py             the worker as its guard sees it; beats; "dead and fenced"
  manager.py    what the service manager is told (sd_notify); herald.py: a script and a FIFO, in keepalived's format
  life.py       the process that serves, for one life: active at most once in it
  worker.py     wires all its parts together
  witness.py    the record in etcd without which neither node may be active
  duties.py     what the role machine makes it do    member.py   carries messages and time to that machine
  lease.py, store.py, epochs.py, exits.py     the right to speak; what is kept on disk; exit codes
  precedence.py how each stands beside other processes

The data path
  proxy.py      listeners, connections to servers, time-outs; ports.py keeps ports from being used again at once
  relay.py      a session: inspector, replication, and its two ends (end.py), which take turns (turns.py, arrivals.py)
  decoder.py    the inspector's state as replication carries it
  inspectors.py makes the inspectors, held to signatures and policies
  reload.py     new policies, signatures and keys for a running node, read apart (reading.py)

The other node
  links.py      heartbeats by UDP             channel.py  the sealed TCP stream
  loss.py       heartbeats that did not come  networks.py the data networks: carriers, gateways
  replicator.py the primary's side of it      standby.py  the passive's
  release.py    which release this is; schemas.py: what it reads, and what it writes for another one
  takeover.py   becoming active               greeting.py the first word where there is nothing else to say
  spares.py     its sockets, made before      understudies.py  whole relays, before a planned one (readiness.py)
  catchup.py    peers that are ahead of what was told     farewell.py   what still arrives after a handover
  refusals.py   what is not accepted, counted
  agreement.py  whether both nodes go by the same rules

Outside
  kernel/       the gate, TCP_REPAIR, addresses: what is done inside the Linux kernel
  addressing.py the virtual addresses
  admin/        the admin API over HTTP       views.py, status.py, rates.py   what it shows
  events/       what happened: kept, and told in the formats of others
  metrics/      what Prometheus reads
  lessons.py                                  what policies can be drafted from
  captures/     pcap files for `tandem inspect` and `tandem learn`
  log.py, clock.py, errors.py
"""
