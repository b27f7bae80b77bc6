"""System calls and what this host allows."""
