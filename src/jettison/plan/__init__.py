"""The narrow waist: a graph of vertices that any frontend can make and the solver solves."""
