"""Facts of root file systems, read from their files and nothing else.

In:  trees (``fs.tree``) whose content anybody may have made.
Out: what is installed, what can be run, what is large.

Security: no link leads out of a tree, nothing but regular files is opened, every read and every
list is bounded, and what cannot be read as expected counts as not there.
"""
