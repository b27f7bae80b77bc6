"""Templates of ``--format``, as Go's ``text/template`` and docker's functions have them."""
