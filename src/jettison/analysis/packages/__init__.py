"""Packages that a root file system has installed, one module for each kind of database.

In:  the files of a tree.
Out: ``Package`` values with the bytes of their files.
"""
