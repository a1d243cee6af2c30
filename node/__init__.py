"""A node: everything that touches the world. The pure packages `inspector` and `protocol` know nothing of it.

config/   the YAML file, checked
keys.py   the cluster's key file
doctor.py what this host lacks
cli/      the command line
kernel/   the gate, live TCP connections, addresses: what is done inside the Linux kernel
guard.py  the small process that owns the gate's fence and starts the worker
worker.py the process that serves: it is active at most once in its life
"""
