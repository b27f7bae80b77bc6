"""Checks of built images: rules over what their file systems, configs and origins say."""
