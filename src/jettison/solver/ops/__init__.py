"""Executors of ops, one module an op."""
