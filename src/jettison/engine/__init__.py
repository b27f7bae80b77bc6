"""Images into running engines: docker's two stores, and podman."""
