"""Builds container images from multi-stage Dockerfiles, without a daemon and without root."""

__version__ = "0.1.0"
