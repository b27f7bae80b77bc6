"""What an image starts: the files that its ENTRYPOINT, CMD and HEALTHCHECK lead to."""
