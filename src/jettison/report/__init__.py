"""The report of a build: what was shipped, what was left behind, and where it came from.

In:  finished values: stages, layers, provenance, facts of file systems.
Out: a ``Report``, and renderings of it; renderers know nothing else.
"""
