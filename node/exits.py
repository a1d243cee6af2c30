"""Exit codes of a worker, which its guard acts on, and of a node."""

DONE = 0
"""Left as it was told to."""
BAD_HOST = 2
"""Cannot run as configured on this host; the reason is on standard error. The guard gives up too."""
STOOD_DOWN = 3
"""Gave up the active role, silently; start again as passive."""
BAD_FILES = 4
"""The configuration or a file that it names has a mistake: the guard tries again, somebody may be editing it."""
