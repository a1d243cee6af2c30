"""How a node's answers look: pure functions from the admin API's JSON to text.

    text.py         the words that the views share; nothing that came off the wire reaches a terminal unclean
    ips_share.py    the HA session cache, in the look of `diagnose ips share list`
    ips_session.py  inspected sessions, in the look of `diagnose ips session list`
    sys_session.py  proxied connections, in the look of `diagnose sys session list`
    status.py       the node at a glance, with rich
    checks.py       what `tandem doctor` found
    inspected.py    a capture's PDUs, in the look of `tandem inspect`

The node may be older or newer than the command: a field that is missing is shown as "-", not as an error.
"""
