"""Where RUN runs: a frozen description of a container and the drivers that start it."""
