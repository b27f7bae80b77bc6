"""Findings: what rules of any kind say, how users silence them, and how they are printed."""
