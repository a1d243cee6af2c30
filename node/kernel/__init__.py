"""What a node does inside the Linux kernel. Raises KernelError(what, remedy) where the host lacks something.

gate.bpf.c    the gate, two tc programs: who may speak, which acks wait, a silent death
gate.bpf.o    the same, compiled by build.py and committed
libbpf.py     the few calls of libbpf.so.1 that are needed, through ctypes
layout.py     the structures that the gate and the node share; mapped memory; flow keys
gate.py       Gate: loaded and fenced by the guard, leased and filled by the worker
flow.py       Flow: one guarded connection; commit() gives the ack that was held
acks.py       that ack as a packet, and the raw socket for it
tcp.py        sockets that can change hosts: describe, go live, let go
repair.py     their successors on another host, made before they are needed
diversion.py  frames that still come for an address that is elsewhere now
addresses.py  virtual addresses, put and taken away; arp.py announces them and probes for others
links.py      carrier changes             gateways.py  whether a gateway answers
orphans.py    ends what a dead process left; neighbours.py: and what waits to be sent
interfaces.py facts of an interface       netlink.py   requests to the kernel
"""

from node.kernel.errors import KernelError

__all__ = ["KernelError"]
