"""The lab's ICCP peers, on MMS stacks that know nothing of the nodes.

model           the bilateral table both sides go by: names, points, and their values by sequence number
tase2_server    TASE.2 server on hat-drivers: data sets, transfer sets, reports, select before operate, tags
tase2_client    TASE.2 client on hat-drivers: the whole start-up, then reports; counts what is missing
sequence        reports seen, missing, repeated, out of order
iec61850_client the second stack: libiec61850 reading and receiving reports on one association
"""
