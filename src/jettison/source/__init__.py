"""Providers of files that are not images: local contexts, http, git."""
