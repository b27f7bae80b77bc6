"""One module a cause; each has ``explain``, and a docstring whose first line users read."""
