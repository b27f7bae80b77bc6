"""Puts a report together from what is known of a build.

In:  the record of a build, its provenance and sums, facts of root file systems.
Out: a ``Report``. Pure: nothing is read here.
"""
