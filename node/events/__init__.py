"""What happened on this node: told once, kept, and written in the formats of others.

    relays, role machine ─▶ sessions.py, standing.py ─▶ bus.py ─▶ kept.py                 the node's own store
                                                               ─▶ outbox.py ─▶ files.py    EVE, key=value, the store
                                                               ─▶ outbox.py ─▶ syslog.py   UDP, TCP, TLS
                                                               ─▶ whoever subscribes
event.py     one event, as data; every format is made from it
bus.py       gives each its serial and passes it on:  events.bus.subscribe(take)
sessions.py  what traffic brings: applications, findings, denials, sessions that begin and end
standing.py  what becomes of the node: roles, takeovers, synchronisation, links, configuration
kept.py      the latest events, over restarts
query.py     which of them somebody wants to see
eve.py, fortios.py, cef.py   the formats; eve.schema.json says what a line of EVE JSON holds
outlets.py   the outboxes that a configuration asks for
pipeline.py  all of it wired together

Nothing here blocks the event loop: whoever does I/O does it from a thread behind a bounded queue.
"""

from node.events.event import Event, Kind, Severity

__all__ = ["Event", "Kind", "Severity"]
