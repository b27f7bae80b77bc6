"""Flags of docker and podman that are taken in another way here, or not at all, and why."""
