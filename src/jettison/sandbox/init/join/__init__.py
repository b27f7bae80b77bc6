"""Processes that join a container which runs already."""
