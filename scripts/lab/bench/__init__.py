"""The bench: how fast the pair and the inspector are, each beside a program that everybody knows.

recorded        a read and its answer, recorded between two control centres
places          where HAProxy and a router stand in the lab: between its two networks, beside the pair
responder       the server that answers the read, on whichever path it comes
caller          the client that asks on each path in turn, and takes the time
haproxy         HAProxy in TCP mode, in a namespace of its own
roundtrip       the round trip through the pair, through HAProxy, and straight

askers          many clients at a steady pace; what each of them waited
switchover      planned switchovers under their load, there and back

commands        every command of `tandem` on a pair with sessions: how long, and what it loads

traffic         an association's opening and its reports, recorded or made up; many times over
capture_file    the same as a capture file
timed           other programs run to their end, and the processor time they took
tshark          tshark's ways to take MMS apart
inspection      the inspector and `tandem inspect` beside tshark, in turn

figures         what came out: the JSON object and the table
"""
