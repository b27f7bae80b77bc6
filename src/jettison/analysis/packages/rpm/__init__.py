"""RPM packages, from each form of database that RPM has had.

In:  the files of a tree.
Out: ``PackageRecord`` values.
"""
