"""One module a rule; ``check.registry`` lists them."""
