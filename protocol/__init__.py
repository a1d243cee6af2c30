"""What two nodes say to each other, and how they decide who speaks. Pure: no I/O, no clock, no randomness.

The seal and what travels under it:
  seal.py       keys (HKDF-SHA256) and authenticated encryption (ChaCha20-Poly1305) of streams
  datagrams.py  sealed datagrams: incarnations, replay window, counted refusals
  handshake.py  opening the replication stream: pre-shared key and fresh X25519 keys, then who is who
  frames.py     length-prefixed sealed frames on that stream
  records.py    strict, versioned msgpack records, by tables of fields
  heartbeat.py  the heartbeat and the death notice
  versions.py   what two releases have in common, and the rules for whoever changes what is exchanged

Who speaks:
  roles.py        the role machine and its tables; its header holds the safety argument
  events.py       its settings, what it is told, and what it wants done
  role_state.py   what it remembers, and its moves from role to role
  role_moves.py   its answers, one for each cell of the tables
  role_timers.py  what time alone brings about
  peer.py         what is known of the other node, and which of its words are evidence
  witness.py      the record without which, if there is one, neither node may be active
  handover.py     when an active node gives its role away, and whether it can

The sessions and their replication:
  session.py: one session as both nodes hold it; cache.py: the passive's sessions;
  journal.py: what awaits a commit; messages.py: the replication messages;
  sequence.py: 32-bit sequence arithmetic

limits.py       what bounds the stream; errors.py: every error that a peer's bytes can cause
"""
