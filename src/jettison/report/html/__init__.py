"""The report as one HTML file that needs no network, and no JavaScript to be useful.

In:  a ``Report``.
Out: bytes of a document: style and script are in it, and a policy that allows nothing else.
"""
