"""A program that says hello."""
