"""An SSH agent as containers see it: a socket that signs, and does no more."""
