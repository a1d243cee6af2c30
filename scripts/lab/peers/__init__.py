"""The lab's ICCP peers, on MMS stacks that know nothing of the nodes.

model           the bilateral table both sides go by: names, points, and their values by sequence number
tase2_server    TASE.2 server on hat-drivers: data sets, transfer sets, reports, select before operate, tags
tase2_client    TASE.2 client on hat-drivers: the whole start-up, then reports; counts what is missing
trespasser      the same client, asking for what it must not have as well
sequence        reports seen, missing, repeated, out of order
iec61850        the second stack: what a TASE.2 client needs of libiec61850
iec61850_client a client on it: reads and reports on one association, all blocks or trespasses if asked to
"""
