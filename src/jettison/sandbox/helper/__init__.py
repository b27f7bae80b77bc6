"""The builder's end of the helper process: starts it, tells it what to run, cleans up after it."""
