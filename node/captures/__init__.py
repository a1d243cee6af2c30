"""Captures of traffic: read, put back together, inspected, learned from. Nothing here touches a network.

file -> files.py       the frames of pcap and pcapng, with dpkt's numbers and headers; what is damaged is told
     -> links.py       where the IP header lies, by link type
     -> packets.py     TCP segments out of IPv4 and IPv6, fragments joined
     -> reassembly.py  which connection a segment is of, and which end is the client
        streams.py     its octets in order, first ones win, gaps told
     -> inspection.py  the inspector over them: each PDU with the frame it ended in
        policing.py    what it is judged by: signatures, a policy
     -> summary.py     what it all amounts to
        tables.py      bilateral tables out of what was seen
        drafting.py    a policy that allows it, as text
notes.py collects what there is to say about the capture itself; errors.py is what makes one unreadable.
"""
