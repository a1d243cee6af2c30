"""A worker to be killed: adopts the gate that it inherits, serves one connection, says so, and waits for its end.

python -m tests.kernel.victim PORT READ_OCTETS SLOTS MAP=FD...
"""

import json
import sys
import time

from node.kernel import tcp
from node.kernel.acks import AckSender
from node.kernel.gate import Gate
from tests.kernel.hosts import CLIENT, VIRTUAL
from tests.kernel.node import FOREVER_NS, RECEIVE_BUFFER, key_of, receive


def main() -> None:
    port, octets, slots, *pairs = sys.argv[1:]
    fds = {name: int(fd) for name, _, fd in (pair.partition("=") for pair in pairs)}
    gate = Gate.adopt(fds, int(slots))
    gate.lease = FOREVER_NS
    listener = tcp.listener((VIRTUAL, int(port)), 8, RECEIVE_BUFFER)
    listener.setblocking(True)
    print("listening", flush=True)
    sock, _ = listener.accept()
    flow = gate.register(key_of(sock))
    assert flow is not None
    receive(sock, int(octets))
    time.sleep(0.05)  # until the kernel has acknowledged, so that the commit releases it
    packet = flow.commit(flow.receive_base + int(octets))
    assert packet is not None
    AckSender().send(packet, CLIENT)
    record = tcp.describe(sock)
    print(json.dumps([record.to_wire(), flow.receive_base, flow.send_base]), flush=True)
    time.sleep(600)


main()
