"""What bounds the replication stream, for whoever need not load how it is sealed."""

FRAME_BYTES_MAX = 4 * 1024 * 1024
"""The most a frame's payload may hold unless the caller says otherwise."""
