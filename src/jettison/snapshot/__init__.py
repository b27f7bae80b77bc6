"""Committed changes of file systems as directories in overlay form, and stacks of them."""
