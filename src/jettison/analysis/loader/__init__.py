"""What a program loader would do with a program in a root file system, found without running it.

In:  the files of a tree, the ELF files in it, the environment of an image.
Out: ``Closure``: the libraries that are loaded, those that are missing, versions that are not met.

Security: nothing of a tree is executed; paths are walked inside it; loads and searches are
bounded.
"""
