"""Containers that stay: their directories in the store, their logs, and how they are spoken to."""
