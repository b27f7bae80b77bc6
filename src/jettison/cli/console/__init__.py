"""Renderings of events: a live view, plain lines, JSON lines."""
