"""What Prometheus reads at /metrics.

tallies.py   what is counted as traffic passes: a few additions a PDU
families.py  the metrics there are
gauges.py    their values: what the node knows anyway, read when it is asked for
scrape.py    both as text; the text is made by a thread

Names begin with `tandem_`, units are base units, what only grows ends in `_total`. No label tells of a peer's address;
every label has a bounded number of values.
"""
